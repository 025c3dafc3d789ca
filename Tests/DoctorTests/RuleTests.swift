import Doctor
import Testing

/// Where a finding begins and ends, and what one of them makes of the other checks.
@Suite("Doctor's rules")
struct RuleTests {
    private func result(_ check: Check, _ seen: Seen) -> CheckResult? { seen.results.first { $0.check == check } }

    @Test("A backend that does not answer is one fault; what depends on it is unknown")
    func unreachableCeph() {
        let seen = Seen().with { $0.ceph.connection = .unreachable("timed out") }
        #expect(result(.ceph, seen)?.verdict == .fault)
        for check in [Check.caps, .cephHealth, .kernelClient] {
            #expect(result(check, seen)?.verdict == .unknown, "\(check)")
        }
    }

    @Test("etcd is nearly full from 80 % of its quota on, or of the default where it tells none")
    func nearlyFull() {
        let quota: Int64 = 1000 << 20
        let below = Seen().withMember { ($0.databaseBytes, $0.quotaBytes) = (799 << 20, quota) }
        let above = Seen().withMember { ($0.databaseBytes, $0.quotaBytes) = (801 << 20, quota) }
        let untold = Seen().withMember { ($0.databaseBytes, $0.quotaBytes) = (801 << 20, nil) }
        let full = Seen().withMember { ($0.databaseBytes, $0.quotaBytes, $0.alarms) = (1001 << 20, quota, [.noSpace]) }
        #expect(
            below.codes == [] && above.codes == [.etcdNearlyFull] && untold.codes == [] && full.codes == [.etcdFull])
    }

    @Test(
        "A clock is told from three seconds on, whichever is ahead",
        arguments: [(2.9, false), (3.0, true), (-2.9, false), (-3.0, true)])
    func skew(ahead: Double, isTold: Bool) {
        #expect(Seen().withMember { $0.clockAhead = ahead }.codes == (isTold ? [.clockSkew] : []))
    }

    @Test(
        "Versions are compared as numbers",
        arguments: [
            ("3.4.0", false), ("3.10.1", false), ("3.3.9", true), ("2.3.8", true), ("4.0.0", false), ("odd", false),
        ])
    func versions(version: String, isOld: Bool) {
        let seen = Seen().with { seen in
            var answer = Seen.answer
            answer.version = version
            seen.etcd.members = [.init(endpoint: "http://e:1", .answers(answer))]
        }
        #expect(seen.codes == (isOld ? [.etcdOld] : []))
    }

    @Test("What hangs the kernel's client matters only where it maps")
    func otherMapper() {
        let hanging = Seen().withMap {
            $0.upmapPrimaries = 1
            $0.pools[0].hasMultiStepRule = true
        }
        #expect(hanging.codes == [.upmapPrimary, .multiStepRule])
        let fuse = hanging.with {
            $0.node.mappers[0].lacks = ["no driver"]
            $0.node.mappers[1].lacks = []
            $0.node.unsupportedFeatures = ["journaling"]
        }
        #expect(fuse.codes == [] && result(.mapper, fuse)?.summary.contains("auto chooses fuse") == true)
        let elsewhere = Seen().withMap { $0.pools[1].hasMultiStepRule = true }
        #expect(elsewhere.codes == [], "no volume is in that pool")
    }

    @Test("The second protocol alone is in the way of kernels before 5.11 only")
    func messenger() {
        func codes(_ kernel: String, _ first: Bool) -> [FindingCode] {
            Seen().with { ($0.node.kernel, $0.speaksFirstProtocol) = (kernel, first) }.codes
        }
        #expect(codes("5.10.99", false) == [.messengerV2] && codes("5.11.0", false) == [] && codes("6.1", false) == [])
        #expect(codes("5.10.99", true) == [] && codes("5.4-generic", false) == [.messengerV2])
    }

    @Test("The mapper that is asked for is the only one that counts")
    func wantedMapper() {
        let seen = Seen().with { $0.node.wantedMapper = "fuse" }
        #expect(seen.codes == [.noMapper])
        #expect(seen.results.flatMap(\.findings).first?.what.contains("RBD_MAPPER=fuse") == true)
        #expect(Seen().with { $0.node.wantedMapper = "krbd" }.codes == [])
    }

    @Test("Where clients cannot be put on the blocklist, nothing is said of taking them off")
    func blocklistCaps() {
        let seen = Seen().with { ($0.ceph.blocklistAdd, $0.ceph.blocklistRemove) = (.denied, .denied) }
        #expect(seen.codes == [.capBlocklist])
    }

    @Test("A trial that failed for another reason is unknown, not denied")
    func unknownTrials() {
        let seen = Seen().with { $0.ceph.blocklistAdd = .unknown("timed out") }
        #expect(result(.caps, seen)?.verdict == .unknown && seen.codes == [])
        let pool = Seen().with { $0.ceph.places[0].writing = .unknown("timed out") }
        #expect(result(.pool, pool)?.verdict == .unknown && pool.codes == [])
    }

    @Test("Of many of one kind the first twenty are told, and that there are more")
    func cut() {
        let seen = Seen().with { $0.images.unfinished = (1...30).map { "rbd/rbd-plugin.creating.\($0)" } }
        #expect(seen.codes.count == 20)
        #expect(result(.images, seen)?.summary.contains("first 20 of 30") == true)
        let looks = Seen().with { ($0.images.looks, $0.images.volumes) = (50, 80) }
        #expect(result(.snapshots, looks)?.summary.contains("50 of 80") == true)
    }

    @Test("A user of etcd is not advised of where there is none")
    func noUser() throws {
        let seen = Seen().with { ($0.etcd.user, $0.etcd.access) = (nil, .loginRefused("user name is empty")) }
        let finding = try #require(seen.results.flatMap(\.findings).first)
        #expect(finding.code == .etcdLogin && finding.remedy.contains("ETCD_USERNAME"))
    }

    @Test("A name whose last holder is about to be forgotten is no finding")
    func expiring() {
        #expect(Seen().with { $0.records.nodeName = .expiring(boot: "b0") }.codes == [])
    }
}
