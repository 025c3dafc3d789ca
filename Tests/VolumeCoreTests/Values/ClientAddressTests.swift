import Testing
import VolumeCore

@Suite struct ClientAddressTests {
    @Test(arguments: [
        ("10.0.0.1:0/55", "10.0.0.1:0/55"),
        ("10.0.0.1:6789/4294967295", "10.0.0.1:6789/4294967295"),
        ("10.0.0.1:6789/0", "10.0.0.1:6789/0"),
        ("v1:10.0.0.1:0/55", "10.0.0.1:0/55"),
        ("v2:10.0.0.1:0/55", "10.0.0.1:0/55"),
        ("any:10.0.0.1:0/55", "10.0.0.1:0/55"),
        ("[fd00::1]:0/55", "[fd00::1]:0/55"),
        ("v1:[fe80::dead:BEEF]:65535/1", "[fe80::dead:BEEF]:65535/1"),
        ("[::ffff:10.0.0.1]:0/55", "[::ffff:10.0.0.1]:0/55"),
    ])
    func addressesAreTakenAsCephWritesThem(_ given: String, _ text: String) {
        #expect(ClientAddress(given)?.text == text)
        #expect(ClientAddress(given)?.description == text)
    }

    /// An entry for port 0 and nonce 0 shuts the whole host out, all its other volumes with it.
    @Test(arguments: ["10.0.0.1:0/0", "v1:10.0.0.1:0/0", "[fd00::1]:0/0", "10.0.0.1:00/000"])
    func aWholeHostIsNoClient(_ text: String) {
        #expect(ClientAddress(text) == nil)
    }

    @Test(arguments: [
        "", "-", ":/0", ":0/1", "/1", "10.0.0.1", "10.0.0.1:0", "10.0.0.1/55", "10.0.0.1:/55", "10.0.0.1:0/",
        "10.0.0.1:0/x", "10.0.0.1:x/55", "10.0.0.1:65536/55", "10.0.0.1:-1/55", "10.0.0.1:+1/55", "10.0.0.1:0/+55",
        "10.0.0.1:0/-1", "10.0.0.1:0/4294967296", "10.0.0.1:0/18446744073709551616", "10.0.0.1:0/55 ",
        " 10.0.0.1:0/55", "10.0.0.1:0/55\n", "10.0.0:0/55", "10.0.0.256:0/55", "10.0.0.1.1:0/55", "10..0.1:0/55",
        "host:0/55", "fd00::1:0/55", "fd00::1/55", "[fd00::1]/55", "[]:0/55", "[x::1]:0/55", "[fd00::1:0/55",
        "fd00::1]:0/55", "v3:10.0.0.1:0/55", "v1:v2:10.0.0.1:0/55", "10.0.0.0/24", "10.0.0.1:0/24/55",
        "client.4123", "[v2:10.0.0.1:0/55,v1:10.0.0.1:0/55]", "١٠.0.0.1:0/55",
    ])
    func whatNamesNoSingleClientIsRefused(_ text: String) {
        #expect(ClientAddress(text) == nil)
    }

    @Test func theSameClientUnderTwoProtocolsIsOne() {
        #expect(ClientAddress("v1:10.0.0.1:0/55") == ClientAddress("v2:10.0.0.1:0/55"))
        #expect(ClientAddress("10.0.0.1:0/55") != ClientAddress("10.0.0.1:0/56"))
    }

    @Test func aRecordHasTheText() throws {
        let address = try #require(ClientAddress("v1:10.0.0.1:0/55"))
        #expect(try Golden.text(address) == "\"10.0.0.1:0/55\"")
        #expect(try Golden.decode(ClientAddress.self, "\"10.0.0.1:0/55\"") == address)
        #expect(throws: (any Error).self) { try Golden.decode(ClientAddress.self, "\"10.0.0.1:0/0\"") }
    }
}
