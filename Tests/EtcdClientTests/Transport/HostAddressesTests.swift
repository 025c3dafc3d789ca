import Testing

@testable import EtcdClient

@Suite struct HostAddressesTests {
    private let now = ContinuousClock.now
    private let failure: Result<[String], HostLookUpError> = .failure(HostLookUpError(detail: "no"))

    @Test("B3: a host is asked for once, however many wait, and again when what is known is old")
    func b3OneLookUpAtATime() {
        var names = HostAddresses()
        func mustAsk(_ host: String, after seconds: Int = 0) -> Bool {
            names.mustAsk(for: host, at: now.advanced(by: .seconds(seconds)))
        }
        #expect(mustAsk("a"))
        #expect(!mustAsk("a", after: 3600))
        #expect(mustAsk("b"))
        names.learn(.success(["10.0.0.1"]), of: "a", at: now)
        #expect(names.addresses(of: "a") == ["10.0.0.1"])
        #expect(!mustAsk("a", after: 59))
        #expect(mustAsk("a", after: 60))
    }

    @Test("B3: the last good addresses outlive a name server that fails")
    func b3AddressesAreKept() {
        var names = HostAddresses()
        _ = names.mustAsk(for: "a", at: now)
        names.learn(.success(["10.0.0.1", "::1"]), of: "a", at: now)
        let later = now.advanced(by: .seconds(61))
        let asksWhenOld = names.mustAsk(for: "a", at: later)
        names.learn(failure, of: "a", at: later)
        let (asksAtOnce, asksLater) = (
            names.mustAsk(for: "a", at: later), names.mustAsk(for: "a", at: later.advanced(by: .seconds(5)))
        )
        #expect((asksWhenOld, asksAtOnce, asksLater) == (true, false, true))
        #expect(names.addresses(of: "a") == ["10.0.0.1", "::1"])
    }

    @Test("B3: a host that could not be reached is asked for again, and so is one that was not found")
    func b3Doubt() {
        var names = HostAddresses()
        _ = names.mustAsk(for: "a", at: now)
        names.learn(.success(["10.0.0.1"]), of: "a", at: now)
        names.doubt("a")
        let asksInDoubt = names.mustAsk(for: "a", at: now)
        #expect(asksInDoubt)
        _ = names.mustAsk(for: "b", at: now)
        names.learn(failure, of: "b", at: now)
        #expect(names.addresses(of: "b") == nil)
        let asksForTheUnknown = names.mustAsk(for: "b", at: now)
        #expect(asksForTheUnknown)
    }

    @Test(arguments: ["127.0.0.1", "::1", "fe80::1%eth0", "localhost", "LOCALHOST", "other.localhost"])
    func b3AddressesNeedNoLookUp(host: String) { #expect(!Endpoint(host: host).hasNameToLookUp) }

    @Test(arguments: ["etcd", "etcd-1.example", "1.example"])
    func b3NamesNeedOne(host: String) { #expect(Endpoint(host: host).hasNameToLookUp) }
}
