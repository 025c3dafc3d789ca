import Doctor
import Testing

@Suite("Secrets in a text")
struct SecretsInTextTests {
    @Test("Known secrets are taken out wherever they stand, the longer ones first")
    func known() {
        let secrets = SecretsInText(["hunter22", "hunter22-and-more\n", "  blank-around \n"])
        #expect(secrets.removed(from: "a hunter22 b") == "a <secret> b")
        #expect(secrets.removed(from: "hunter22-and-more/hunter22") == "<secret>/<secret>")
        #expect(secrets.removed(from: "x=blank-around;") == "x=<secret>;")
        #expect(secrets.removed(from: "nothing of the kind") == "nothing of the kind")
    }

    @Test("Each line of a private key is a secret, its first and last line are none")
    func pem() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvAIBAD\nANBgkqhk\n-----END PRIVATE KEY-----\n"
        #expect(SecretsInText([key]).removed(from: "found ANBgkqhk in it") == "found <secret> in it")
        #expect(SecretsInText([key]).removed(from: "-----BEGIN CERTIFICATE-----") == "-----BEGIN CERTIFICATE-----")
    }

    @Test("A private key that nobody knew of is taken out, also one that is cut short; a certificate stays")
    func unknownKeys() {
        let none = SecretsInText([])
        let key = "-----BEGIN EC PRIVATE KEY-----\nabc\ndef\n-----END EC PRIVATE KEY-----"
        #expect(
            none.removed(from: "1 \(key) 2 \(key) 3")
                == "1 -----BEGIN EC PRIVATE KEY-----<secret>-----END EC PRIVATE KEY----- 2 -----BEGIN EC PRIVATE KEY-----<secret>-----END EC PRIVATE KEY----- 3"
        )
        #expect(none.removed(from: "-----BEGIN PRIVATE KEY-----\nabc") == "-----BEGIN PRIVATE KEY-----<secret>")
        let certificate = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----"
        #expect(none.removed(from: certificate) == certificate)
    }

    @Test("What is empty or very short is no secret: the text would be unreadable without it")
    func short() {
        #expect(SecretsInText(["", "a", "the"]).removed(from: "a the b") == "a the b")
    }
}
