package b2auth_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"b2auth"
)

// Whatever verb prints it: no key and no token, neither as text nor in hexadecimal.
func TestNothingPrintsASecret(t *testing.T) {
	sandbox(t)
	session := authorize(t)
	_, err := b2auth.Authorize(background, keyID(), wrongKey)
	var failure *b2auth.Error
	if !errors.As(err, &failure) {
		t.Fatal(err)
	}
	closed := authorize(t)
	closed.Close()
	transport := b2auth.NewTransport(keyID(), key())
	report, err := b2auth.Diagnose(background, keyID(), wrongKey)
	if err != nil {
		t.Fatal(err)
	}
	things := map[string]any{
		"session": session, "closed": closed, "error": failure, "error value": *failure,
		"credentials": b2auth.Credentials{KeyID: keyID(), Key: key()}, "transport": transport, "client": transport.Client(),
		"options": []b2auth.Option{b2auth.WithProxy("http://user:" + key() + "@proxy.test")},
		"nested":  struct{ S, E, C any }{session, failure, []b2auth.Credentials{{KeyID: keyID(), Key: key()}}},
		"results": []b2auth.Result{{Session: session}, {Err: failure}}, "report": report, "report value": *report,
	}
	for name, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T"} {
			quiet(t, session, name+" by "+verb, fmt.Sprintf(verb, thing))
		}
		if text, err := json.Marshal(thing); err == nil {
			quiet(t, session, name+" as JSON", string(text))
		}
	}
	if text := fmt.Sprintf("%v %+v", session, session); strings.Count(text, account) != 2 {
		t.Error("a session shows:", text)
	}
	if text := string(marshal(t, session)); !strings.Contains(text, session.APIURL()) {
		t.Error("a session as JSON:", text)
	}
	if text := fmt.Sprintf("%#v", failure); !strings.Contains(text, failure.Message) {
		t.Error("an error shows:", text)
	}
}

func quiet(t *testing.T, session *b2auth.Session, what, text string) {
	t.Helper()
	for name, secret := range map[string]string{"key": key(), "wrong key": wrongKey, "token": session.AuthorizationToken()} {
		coded := hex.EncodeToString([]byte(secret))
		if strings.Contains(text, secret) || strings.Contains(strings.ToLower(text), coded) {
			t.Errorf("%s shows the %s", what, name)
		}
	}
}
