import EtcdClient
import Rig
import Testing

extension RealEtcdTests {
    @Suite struct Failures {
        @Test func anAbsentServerFailsAndNothingHasHappened() async throws {
            try await withEtcd { server, client in
                try await client.put("a", "1")
                await server.kill()
                let write = try await failure { try await client.put("a", "2") }
                #expect(write.code == .connection && write.outcome == .failed)
                let read = try await failure { _ = try await client.get("a") }
                #expect(read.code == .connection && read.outcome == .failed)
                try await server.restart()
                #expect(try await client.get("a")?.text == "1")
                try await client.put("a", "2")
            }
        }

        @Test func aFrozenServerRunsIntoTheDeadlineAndLeavesWritesInDoubt() async throws {
            try await withEtcd { server, client in
                try await client.put("a", "1")
                server.freeze()
                let write = try await failure { try await client.put("a", "2", timeout: .milliseconds(300)) }
                #expect(write.code == .timedOut && write.outcome == .unknown)
                let read = try await failure { _ = try await client.get("a", timeout: .milliseconds(300)) }
                #expect(read.code == .timedOut && read.outcome == .failed)
                #expect(client.statistics.activeTransfers == 0)
                server.thaw()
                // Whether the frozen server still acts on the write is a race: only reading back tells.
                let value = try await client.get("a")?.text
                #expect(value == "1" || value == "2")
                try await client.put("a", "3")
                #expect(try await client.get("a")?.text == "3")
            }
        }

        @Test func aCancelledCallIsTakenOutAndSaysWhatItLeaves() async throws {
            try await withEtcd { server, client in
                try await client.put("a", "1")
                server.freeze()
                let task = Task { () async -> EtcdError? in
                    do throws(EtcdError) {
                        try await client.put("a", "2")
                        return nil
                    } catch {
                        return error
                    }
                }
                try await eventually("the call is under way") { client.statistics.activeTransfers == 1 }
                task.cancel()
                let error = try #require(await task.value)
                #expect(error.code == .cancelled)
                #expect(client.statistics.activeTransfers == 0)
                server.thaw()
            }
        }

        @Test func ofTwoEndpointsOneMayBeDown() async throws {
            try await EtcdServer.with { down in
                await down.kill()
                try await EtcdServer.with { up in
                    try await withClient(try makeClient(down.url, up.url, change: quickWatch)) { client in
                        try await client.put("a", "1")
                        #expect(try await client.get("a")?.text == "1")
                        #expect(try await client.status().endpoint.url == up.url)
                        var watch = client.watch(key: "a", from: 1).makeAsyncIterator()
                        #expect(try await watch.nextEvents().map(\.keyValue?.text) == ["1"])
                    }
                }
            }
        }

        @Test func allEndpointsThatWereTriedAreNamed() async throws {
            try await EtcdServer.with { first in
                await first.kill()
                try await EtcdServer.with { second in
                    await second.kill()
                    try await withClient(try makeClient(first.url, second.url)) { client in
                        let error = try await failure { try await client.put("a", "1") }
                        #expect(error.code == .connection && error.outcome == .failed)
                        #expect(error.reason.contains(first.url) && error.reason.contains(second.url))
                    }
                }
            }
        }

        @Test func aReadTurnsFromAFrozenMemberToALivingOneWithinItsDeadline() async throws {
            let members = try await EtcdServer.startCluster(of: 3)
            try await withClient(
                try makeClient(members[0].url, members[1].url, members[2].url) {
                    $0.requestTimeout = .seconds(12)
                }
            ) { client in
                try await client.put("a", "1")
                members[0].freeze()
                #expect(try await client.get("a")?.text == "1")
                try await eventually("writable through the others") { (try? await client.put("a", "2")) != nil }
                members[0].thaw()
            }
            for member in members { await member.stop() }
        }

        @Test func aWatchMovesToALivingMemberAndMissesNothing() async throws {
            let members = try await EtcdServer.startCluster(of: 3)
            try await withClient(try makeClient(members.map(\.url).joined(separator: ","), change: quickWatch)) {
                client in
                var watch = client.watch(prefix: "w/").makeAsyncIterator()
                try await watch.waitUntilConnected()
                try await client.put("w/1", "")
                #expect(try await watch.nextEvents().map(\.key) == ["w/1"])
                await members[0].kill()
                try await eventually("writable through the others") { (try? await client.put("w/2", "")) != nil }
                #expect(try await watch.nextEvents().map(\.key).first == "w/2")
            }
            for member in members { await member.stop() }
        }

        @Test func aMemberWithoutALeaderRefusesAtOnceAndAnswersLocalReads() async throws {
            let members = try await EtcdServer.startCluster(of: 3)
            try await withClient(try makeClient(members[0].url)) { client in
                try await client.put("a", "1")
                await members[1].kill()
                await members[2].kill()
                try await eventually("the member has noticed") {
                    let error = try await failure { try await client.put("a", "2", timeout: .seconds(1)) }
                    return error.code == .unavailable && error.outcome == .refused
                        && error.reason.contains("no leader")
                }
                #expect(try await client.get("a", serializable: true)?.text == "1")
                #expect(try await client.status().leader == nil)
                let health = try await failure { _ = try await client.health(timeout: .seconds(15)) }
                #expect(health.code == .unavailable)
            }
            for member in members { await member.stop() }
        }

        @Test func somethingThatIsNoEtcdIsCalledThat() async throws {
            let server = try ScriptedServer { _, _ in .answer(status: 200, body: "<html>welcome</html>") }
            defer { server.stop() }
            try await withClient(try makeClient(server.address)) { client in
                let error = try await failure { _ = try await client.get("a") }
                #expect(error.code == .protocolViolation)
                #expect("\(error)".contains("JSON gateway"))
            }
        }
    }
}
