import EtcdClient
import Rig
import Testing

extension RealEtcdTests {
    @Suite struct Transactions {
        @Test func createHappensOnceAndTheLoserSeesTheWinner() async throws {
            try await withEtcd { _, client in
                func create(_ value: String) async throws -> TransactionResponse {
                    try await client.transaction(
                        Transaction(when: [.keyAbsent("v")], then: [.put("v", value)], otherwise: [.get("v")]))
                }
                let first = try await create("one")
                #expect(first.succeeded && first.responses == [.put])
                let second = try await create("two")
                #expect(!second.succeeded)
                let kv = try #require(second.responses.first?.kvs.first)
                #expect(kv.text == "one" && kv.modRevision == first.revision)
            }
        }

        @Test func ofManyWhoCreateAtOnceOneWins() async throws {
            try await withEtcd { _, client in
                let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<20 {
                        group.addTask {
                            try await client.transaction(
                                Transaction(when: [.keyAbsent("v")], then: [.put("v", "\(number)")])
                            ).succeeded
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(winners == 1)
                #expect(try await client.get("v")?.version == 1)
            }
        }

        @Test func anUpdateNeedsTheRevisionThatWasRead() async throws {
            try await withEtcd { _, client in
                let read = try await client.put("v", "1").revision
                func update(_ value: String) async throws -> Bool {
                    try await client.transaction(
                        Transaction(when: [.modRevision("v", equals: read)], then: [.put("v", value)])
                    ).succeeded
                }
                #expect(try await update("2"))
                #expect(try await !update("3"))
                #expect(try await client.get("v")?.text == "2")
            }
        }

        @Test func aDeletedAndRecreatedKeyIsNotTheSame() async throws {
            try await withEtcd { _, client in
                let created = try await client.put("v", "1").revision
                try await client.delete("v")
                try await client.put("v", "1")
                let old = Transaction(when: [.createRevision("v", equals: created)], then: [.delete("v")])
                #expect(try await !client.transaction(old).succeeded)
            }
        }

        /// Each guard in both directions: one that etcd did not understand would hold always, or never.
        @Test func everyComparisonHoldsAndFailsAsItShould() async throws {
            try await withEtcd { _, client in
                let lease = try await client.grantLease(ttl: .seconds(60)).id
                let created = try await client.put("v", "a").revision
                let written = try await client.put("v", "b", lease: lease).revision
                let cases: [(Comparison, Bool)] = [
                    (.keyAbsent("v"), false), (.keyAbsent("w"), true), (.keyPresent("v"), true),
                    (.keyPresent("w"), false), (.modRevision("v", equals: written), true),
                    (.modRevision("v", equals: created), false), (.modRevision("w", equals: 0), true),
                    (.modRevision("v", .less, written), false), (.modRevision("v", .less, written + 1), true),
                    (.modRevision("v", .greater, created), true), (.modRevision("v", .notEqual, written), false),
                    (.createRevision("v", equals: created), true), (.createRevision("v", equals: written), false),
                    (.version("v", equals: 2), true), (.version("v", equals: 0), false),
                    (.value("v", equals: Array("b".utf8)), true), (.value("v", equals: []), false),
                    (.value("v", .notEqual, Array("a".utf8)), true), (.value("w", equals: []), false),
                    (.lease("v", equals: lease), true), (.lease("v", equals: LeaseID(0)), false),
                ]
                for (comparison, holds) in cases {
                    let response = try await client.transaction(Transaction(when: [comparison], then: []))
                    #expect(response.succeeded == holds, "\(comparison)")
                }
            }
        }

        @Test func everyOperationAnswersInItsPlace() async throws {
            try await withEtcd { _, client in
                for name in ["d/1", "d/2", "x"] { try await client.put(name, name) }
                let transaction = Transaction(
                    when: [.keyPresent("x"), .keyAbsent("y")],
                    then: [.get("x"), .put("y", "new"), .delete(.prefix("d/")), .delete("nothing"), .get("y")])
                let response = try await client.transaction(transaction)
                #expect(response.succeeded)
                #expect(response.responses[0].kvs.map(\.text) == ["x"])
                #expect(response.responses[1] == .put)
                #expect(response.responses[2] == .delete(deleted: 2))
                #expect(response.responses[3] == .delete(deleted: 0))
                #expect(response.responses[4].kvs.map(\.modRevision) == [response.revision])
            }
        }
    }

    @Suite struct Leases {
        @Test func aLeaseLivesWhileItIsKeptAliveAndTakesItsKeysAlong() async throws {
            try await withEtcd { _, client in
                let lease = try await client.grantLease(ttl: .seconds(60))
                #expect(lease.ttl == .seconds(60))
                try await client.put("on/lease", "1", lease: lease.id)
                #expect(try await client.get("on/lease")?.lease == lease.id)
                #expect(try await client.keepAlive(lease.id) == .seconds(60))
                let status = try #require(try await client.timeToLive(lease.id, keys: true))
                #expect(status.granted == .seconds(60) && status.keys == ["on/lease"])
                #expect(status.remaining <= .seconds(60))
                try await client.revoke(lease.id)
                #expect(try await client.get("on/lease") == nil)
            }
        }

        @Test func aDeadLeaseIsNoError() async throws {
            try await withEtcd { _, client in
                let lease = try await client.grantLease(ttl: .seconds(60)).id
                try await client.revoke(lease)
                #expect(try await client.keepAlive(lease) == nil)
                #expect(try await client.timeToLive(lease) == nil)
                #expect(try await client.keepAlive(LeaseID(12345)) == nil)
            }
        }

        @Test func writingOnADeadLeaseAndRevokingItAreRefused() async throws {
            try await withEtcd { _, client in
                let put = try await failure { try await client.put("a", "1", lease: LeaseID(12345)) }
                #expect(put.code == .leaseNotFound && put.outcome == .refused)
                let revoke = try await failure { try await client.revoke(LeaseID(12345)) }
                #expect(revoke.code == .leaseNotFound && revoke.outcome == .refused)
                #expect(try await client.get("a") == nil)
            }
        }

        @Test func anUntendedLeaseRunsOutAndTheWatchTells() async throws {
            try await withEtcd { _, client in
                var watch = client.watch(key: "node").makeAsyncIterator()
                try await watch.waitUntilConnected()
                // The server has a least TTL of its own and says what it grants.
                let lease = try await client.grantLease(ttl: .seconds(1))
                #expect(lease.ttl >= .seconds(1))
                try await client.put("node", "alive", lease: lease.id)
                #expect(try await watch.nextEvents().map(\.keyValue?.text) == ["alive"])
                #expect(try await watch.nextEvents().map(\.change) == [.delete])
                #expect(try await client.keepAlive(lease.id) == nil)
            }
        }

        @Test func anIDOfOnesOwnIsTakenOnce() async throws {
            try await withEtcd { _, client in
                #expect(try await client.grantLease(ttl: .seconds(60), id: LeaseID(77)).id == LeaseID(77))
                let error = try await failure {
                    _ = try await client.grantLease(ttl: .seconds(60), id: LeaseID(77))
                }
                #expect(error.code == .refused && error.reason.contains("lease already exists"))
            }
        }
    }
}
