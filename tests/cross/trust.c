/*
 * Whom the library trusts on Windows: what the machine's certificate store holds, and nothing that stands in the list of the
 * disallowed; and no file that anybody may lay on drive C:.
 *
 * It changes the machine's store, so it is run in a machine of its own.
 */
#include "../c/check.h"

#include <windows.h>
#include <wincrypt.h>

#include <b2auth.h>

static unsigned char ca[8192];
static DWORD ca_length;

static void read_ca(void)
{
    static char pem[16384];
    FILE *file = fopen(environment("B2_SANDBOX_CA"), "rb");
    size_t length = file == NULL ? 0 : fread(pem, 1, sizeof pem, file);

    ca_length = sizeof ca;
    if (length == 0 || !CryptStringToBinaryA(pem, (DWORD)length, CRYPT_STRING_BASE64HEADER, ca, &ca_length, NULL, NULL)) {
        printf("not ok the CA cannot be read\n");
        exit(1);
    }
    (void)fclose(file);
}

static HCERTSTORE store(const wchar_t *name)
{
    HCERTSTORE opened = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, name);

    if (opened == NULL) {
        printf("not ok the store cannot be opened\n");
        exit(1);
    }
    return opened;
}

/* Puts the CA into a store of the machine, for all purposes: Wine keeps none of the properties that a store gives to a
 * certificate, so what the library makes of them is not tested here. */
static void add(const wchar_t *name)
{
    HCERTSTORE opened = store(name);

    CHECK(CertAddEncodedCertificateToStore(opened, X509_ASN_ENCODING, ca, ca_length, CERT_STORE_ADD_REPLACE_EXISTING,
                                           NULL));
    (void)CertCloseStore(opened, 0);
}

static void take_out(const wchar_t *name)
{
    HCERTSTORE opened = store(name);
    PCCERT_CONTEXT wanted = CertCreateCertificateContext(X509_ASN_ENCODING, ca, ca_length);
    PCCERT_CONTEXT found = CertFindCertificateInStore(opened, X509_ASN_ENCODING, 0, CERT_FIND_EXISTING, wanted, NULL);

    CHECK(found != NULL);
    if (found != NULL)
        CHECK(CertDeleteCertificateFromStore(found));
    (void)CertFreeCertificateContext(wanted);
    (void)CertCloseStore(opened, 0);
}

static b2_status connect_to(const char *ca_file)
{
    b2_options *options = b2_options_new();
    b2_session *session = NULL;
    b2_error *error = NULL;
    b2_status status;

    CHECK(b2_options_set(options, "realm", environment("B2_SANDBOX_HTTPS"), NULL) == B2_OK);
    CHECK(b2_options_set(options, "cache", "bypass", NULL) == B2_OK);
    CHECK(b2_options_set(options, "rate_limit_per_minute", "0", NULL) == B2_OK);
    CHECK(b2_options_set(options, "ca_file", ca_file, NULL) == B2_OK);
    status = b2_authorize_with(environment("B2_APPLICATION_KEY_ID"), environment("B2_APPLICATION_KEY"), options,
                               &session, &error);
    printf("    %s\n", error == NULL ? "accepted" : b2_error_message(error));
    b2_session_free(session);
    b2_error_free(error);
    b2_options_free(options);
    return status;
}

/* Where a program of a Unix would look for CAs: on Windows, a folder that any user may make. */
static void plant(void)
{
    FILE *file;

    (void)CreateDirectoryA("C:\\etc", NULL);
    (void)CreateDirectoryA("C:\\etc\\ssl", NULL);
    (void)CreateDirectoryA("C:\\etc\\ssl\\certs", NULL);
    CHECK(CopyFileA(environment("B2_SANDBOX_CA"), "C:\\etc\\ssl\\certs\\ca-certificates.crt", FALSE));
    CHECK(SetCurrentDirectoryA("C:\\"));
    file = fopen("\\etc\\ssl\\certs\\ca-certificates.crt", "rb");
    CHECK(file != NULL);
    if (file != NULL)
        (void)fclose(file);
}

int main(void)
{
    read_ca();
    plant();
    CHECK(connect_to(NULL) == B2_TLS_ERROR);
    group("a CA that is in no store is refused, wherever on drive C: it lies");

    add(L"ROOT");
    CHECK(connect_to(NULL) == B2_OK);
    group("a CA of the machine's store is trusted, also one that was added later");

    add(L"Disallowed");
    CHECK(connect_to(NULL) == B2_TLS_ERROR);
    take_out(L"ROOT");
    CHECK(connect_to(NULL) == B2_TLS_ERROR);
    group("a CA that is disallowed is refused, although the store has it as a root");

    take_out(L"Disallowed");
    CHECK(connect_to(NULL) == B2_TLS_ERROR);
    CHECK(connect_to(environment("B2_SANDBOX_CA")) == B2_OK);
    group("a CA that was taken out is refused, and accepted by ca_file");
    return report();
}
