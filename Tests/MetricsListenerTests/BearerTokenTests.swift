import Testing

@testable import MetricsListener

@Suite("Tokens of the metrics' port") struct BearerTokenTests {
    @Test(
        "A token is what follows the word Bearer",
        arguments: [
            ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER  abc", "abc"), ("Bearer a b", "a b"),
            ("Basic abc", nil), ("Bearer", nil), ("Bearer ", nil), ("abc", nil), ("", nil), (nil, nil),
        ] as [(String?, String?)])
    func shown(header: String?, token: String?) {
        #expect(BearerToken.shown(in: header) == token)
    }

    @Test(
        "Only the very token is the same, and an empty one is nobody's",
        arguments: [
            ("secret", "secret", true), ("secret", "secre", false), ("secre", "secret", false),
            ("Secret", "secret", false), ("secreu", "secret", false), ("", "", false), (nil, "secret", false),
        ] as [(String?, String, Bool)])
    func same(shown: String?, expected: String, isSame: Bool) {
        #expect(BearerToken.isSame(shown, as: expected) == isSame)
    }
}
