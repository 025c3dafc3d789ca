import EtcdClient
import FoundationEssentials
import Rig
import Testing

extension RealEtcdTests {
    @Suite struct KeyValues {
        @Test func aKeyIsWrittenReadAndDeleted() async throws {
            try await withEtcd { server, client in
                #expect(try await client.get("a") == nil)
                let first = try await client.put("a", "one")
                let second = try await client.put("a", "two")
                let kv = try #require(try await client.get("a"))
                #expect(kv.text == "two")
                #expect(kv.createRevision == first.revision)
                #expect(kv.modRevision == second.revision)
                #expect(kv.version == 2)
                #expect(try await server.etcdctl("get", "a") == "a\ntwo\n")
                #expect(try await client.delete("a").deleted == 1)
                #expect(try await client.delete("a").deleted == 0)
                #expect(try await client.get("a") == nil)
            }
        }

        @Test func bytesSurviveTheJourney() async throws {
            try await withEtcd { _, client in
                let bytes = (0...255).map { UInt8($0) }
                try await client.put("ключ/鍵\u{0}\n", bytes)
                let kv = try #require(try await client.get("ключ/鍵\u{0}\n"))
                #expect(kv.value == bytes)
                #expect(kv.key == "ключ/鍵\u{0}\n")
                #expect(kv.text == nil)
                try await client.put("empty", "")
                #expect(try await client.get("empty")?.value == [])
            }
        }

        @Test func rangesAreLimitedCountedAndPinned() async throws {
            try await withEtcd { _, client in
                for name in ["p/a", "p/b", "p/c", "q"] { try await client.put(name, "1") }
                let before = try await client.range(RangeRequest(.prefix("p/")))
                #expect(before.kvs.map(\.key) == ["p/a", "p/b", "p/c"])
                let two = try await client.range(RangeRequest(.prefix("p/"), limit: 2))
                #expect(two.kvs.count == 2 && two.more && two.count == 3)

                try await client.put("p/d", "1")
                #expect(try await client.delete(prefix: "p/").deleted == 4)
                let past = try await client.range(RangeRequest(.prefix("p/"), revision: before.revision))
                #expect(past.kvs == before.kvs)

                var count = RangeRequest(.all)
                count.countOnly = true
                let counted = try await client.range(count)
                #expect(counted.count == 1 && counted.kvs.isEmpty)
                var keys = RangeRequest(.range("q", upTo: "r"))
                keys.keysOnly = true
                #expect(try await client.range(keys).kvs.map(\.value) == [[]])
                #expect(try await client.get("q", serializable: true)?.text == "1")
            }
        }

        @Test func twoThousandFiveHundredKeysAreListedInPages() async throws {
            try await withEtcd { _, client in
                let keys = (0..<2500).map { number in
                    let digits = String(number)
                    return "list/" + String(repeating: "0", count: 4 - digits.count) + digits
                }
                for start in stride(from: 0, to: keys.count, by: 125) {
                    let puts = keys[start..<start + 125].map { Operation.put($0, "value of \($0)") }
                    _ = try await client.transaction(Transaction(when: [], then: puts))
                }
                try await client.put("listing", "not one of them")

                let finished = client.statistics.finishedTransfers
                let list = try await client.list(prefix: "list/")
                #expect(client.statistics.finishedTransfers == finished + 2)
                #expect(list.kvs.map(\.key) == keys)
                #expect(list.kvs.allSatisfy { $0.text == "value of \($0.key)" })
                #expect(try await client.list(prefix: "list/", pageSize: 2500).kvs.count == 2500)
                #expect(try await client.list(prefix: "list/", pageSize: 7, keysOnly: true).kvs.map(\.key) == keys)
                #expect(try await client.list(prefix: "nothing/").kvs.isEmpty)
            }
        }

        @Test func twoHundredCallsAtOnceUseFewConnections() async throws {
            try await withEtcd { _, client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<200 {
                        group.addTask {
                            try await client.put("n/\(number)", "\(number)")
                            let kv = try await client.get("n/\(number)")
                            #expect(kv?.text == "\(number)")
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(client.statistics.finishedTransfers == 400)
                #expect(client.statistics.openedConnections <= 8)
                #expect(try await client.list(prefix: "n/").kvs.count == 200)
            }
        }

        @Test func whatEtcdRefusesIsNamed() async throws {
            try await withEtcd { _, client in
                let large = try await failure { try await client.put("a", [UInt8](repeating: 1, count: 2_000_000)) }
                #expect(large.code == .tooLarge && large.outcome == .refused)

                let puts = (0..<129).map { Operation.put("k\($0)", "") }
                let many = try await failure { _ = try await client.transaction(Transaction(when: [], then: puts)) }
                #expect(many.code == .tooLarge && many.outcome == .refused)
                #expect(many.reason.contains("too many operations"))

                let twice = try await failure {
                    _ = try await client.transaction(Transaction(when: [], then: [.put("a", ""), .put("a", "")]))
                }
                #expect(twice.code == .refused && twice.outcome == .refused)

                let future = try await failure { _ = try await client.range(RangeRequest(.key("a"), revision: 99)) }
                #expect(future.code == .refused)

                let empty = try await failure { try await client.put("", "") }
                #expect(empty.code == .refused && empty.reason.contains("key is not provided"))
                #expect(try await client.range(RangeRequest(.all)).count == 0, "none of it has happened")
            }
        }

        @Test func aCompactedRevisionIsNamed() async throws {
            try await withEtcd { _, client in
                let old = try await client.put("a", "1")
                let new = try await client.put("a", "2")
                try await client.compact(before: new.revision)
                let error = try await failure {
                    _ = try await client.range(RangeRequest(.key("a"), revision: old.revision))
                }
                #expect(error.code == .compacted && error.outcome == .refused)
                #expect(try await client.get("a")?.text == "2")
            }
        }

        @Test func aFullStoreLeavesWritesInDoubtAndCanStillBeReadAndEmptied() async throws {
            try await withEtcd(EtcdServer.Options(flags: ["--quota-backend-bytes", "1000000"])) { _, client in
                let value = [UInt8](repeating: 7, count: 200_000)
                for number in 0..<20 { _ = try? await client.put("big/\(number)", value) }
                let error = try await failure { try await client.put("one more", value) }
                #expect(error.code == .noSpace)
                #expect(error.outcome == .unknown, "etcd applies the write that crosses the quota")
                #expect(try await client.alarms().map(\.kind) == [.noSpace])
                #expect(try await client.mayWrite("big/0"), "what only asks is allowed, and raises no alarm")
                let kept = try await client.list(prefix: "big/", keysOnly: true).kvs.count
                #expect(try await client.delete(prefix: "big/").deleted == Int64(kept))
            }
        }

        @Test func membersTellTheirState() async throws {
            try await withEtcd(EtcdServer.Options(flags: ["--quota-backend-bytes", "123000000"])) { server, client in
                let status = try await client.status()
                #expect(status.endpoint.url == server.url)
                #expect(status.leader == status.header.memberID)
                #expect(status.databaseBytes > 0)
                #expect(try await client.version().server == status.version)
                #expect(try await client.health().healthy)
                #expect(try await client.alarms() == [])
                #expect(try await client.quota(of: status.endpoint) == 123_000_000)
                let clock = try #require(try await client.version().clock)
                #expect(abs(clock - Int64(Date.now.timeIntervalSince1970)) < 60, "one machine has one clock")
            }
        }
    }
}
