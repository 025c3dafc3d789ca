import Testing
import VolumeCore

@Suite struct CephKeyTests {
    private func key(_ type: [UInt8], length: [UInt8], _ count: Int) -> CephKey {
        CephKey(bytes: type + Array(repeating: 9, count: 8) + length + Array(repeating: 7, count: count))
    }

    @Test("A key's type is its first number")
    func types() {
        #expect(key([1, 0], length: [16, 0], 16).type == .aes)
        #expect(key([2, 0], length: [32, 0], 32).type == .aes256k)
        #expect(key([3, 1], length: [0, 1], 256).type == .other(0x103))
    }

    @Test("What is cut short, or has more than it says, is no key")
    func broken() {
        for count in [0, 15, 17] { #expect(key([1, 0], length: [16, 0], count).type == nil) }
        #expect(CephKey(bytes: []).type == nil)
        #expect(CephKey(bytes: [1, 0, 0, 0]).type == nil)
        #expect(key([1, 0], length: [0, 0], 0).type == nil)
    }

    @Test("Types are named as Ceph's tools have them")
    func names() {
        #expect([CephKeyType.aes, .aes256k, .other(7)].map(\.description) == ["aes", "aes256k", "number 7"])
        #expect(CephKeyType.olderKey(for: "docker").contains("ceph auth rotate client.docker --key-type aes"))
    }
}
