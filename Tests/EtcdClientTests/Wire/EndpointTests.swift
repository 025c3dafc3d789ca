import EtcdClient
import Testing

@Suite struct EndpointTests {
    @Test(arguments: [
        ("etcd1:2379", ["http://etcd1:2379"]),
        ("etcd1", ["http://etcd1:2379"]),
        ("https://etcd1", ["https://etcd1:2379"]),
        ("HTTP://10.0.0.1:4001/", ["http://10.0.0.1:4001"]),
        (" a:1 , https://b:2 ", ["http://a:1", "https://b:2"]),
        ("a:1,a:1", ["http://a:1"]),
        ("[::1]:2379", ["http://[::1]:2379"]),
        ("https://[fe80::1%eth0]", ["https://[fe80::1%eth0]:2379"]),
    ])
    func listsAreRead(_ list: String, _ urls: [String]) throws {
        #expect(try Endpoint.parse(list).map(\.url) == urls)
    }

    @Test func entriesWithoutASchemeTakeTheDefault() throws {
        let endpoints = try Endpoint.parse("a:1,http://b:2", defaultScheme: .https)
        #expect(endpoints.map(\.url) == ["https://a:1", "http://b:2"])
    }

    @Test(arguments: [
        ("a:1,ftp://b:2", "ftp://b:2"), ("a:1,,b:2", ""), ("a:0", "a:0"), ("a:65536", "a:65536"), ("a:x", "a:x"),
        ("a:", "a:"), ("http://", "http://"), ("::1", "::1"), ("http://a:1/v3", "http://a:1/v3"), ("a b:1", "a b:1"),
        ("[::1]x:1", "[::1]x:1"), ("", ""), ("http://a?x=1", "http://a?x=1"), ("hé:1", "hé:1"),
    ])
    func badEntriesAreNamed(_ list: String, _ entry: String) throws {
        let error = try #require(throws: EndpointListError.self) { try Endpoint.parse(list) }
        #expect(error.entry == entry)
        #expect(error.description.contains(entry))
    }

    @Test func aPasswordInAnAddressIsNotRepeated() throws {
        let error = try #require(throws: EndpointListError.self) {
            try Endpoint.parse("a:1,http://root:hunter2@b:2")
        }
        #expect(!error.description.contains("hunter2"))
        #expect(error.description.contains("number 2"))
    }
}
