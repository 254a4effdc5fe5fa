# A formula for Homebrew, as text: `ruby -c` reads it, and nobody has installed it yet. A release fills in the addresses and
# the sum.
class B2auth < Formula
  desc "From a Backblaze B2 application key to a cached session, for any language"
  homepage "https://example.org/b2auth"
  url "https://example.org/b2auth/releases/v0.1.0/b2auth-0.1.0.tar.gz"
  sha256 "0" * 64
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "make", "lib"
    system "make", "install", "PREFIX=#{prefix}"
  end

  test do
    (testpath/"version.c").write <<~C
      #include <b2auth.h>
      #include <stdio.h>
      int main(void) { return printf("%s\\n", b2_library_version()) < 0; }
    C
    system ENV.cc, "version.c", "-I#{include}", "-L#{lib}", "-lb2auth", "-o", "version"
    assert_equal version.to_s, shell_output("./version").strip
  end
end
