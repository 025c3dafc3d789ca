import EtcdClient
import Rig
import Testing

extension RealEtcdTests {
    @Suite struct Watches {
        @Test func changesArriveInOrderWithWhatWasBefore() async throws {
            try await withEtcd { _, client in
                try await client.put("w/a", "0")
                var watch = client.watch(prefix: "w/", includesPrevious: true).makeAsyncIterator()
                try await watch.waitUntilConnected()
                try await client.put("w/a", "1")
                try await client.put("other", "1")
                try await client.delete("w/a")
                let put = try await watch.nextEvents()
                #expect(put.map(\.keyValue?.text) == ["1"])
                #expect(put.map(\.previous?.text) == ["0"])
                let delete = try await watch.nextEvents()
                #expect(delete.map(\.change) == [.delete])
                #expect(delete.map(\.key) == ["w/a"])
                #expect(delete.map(\.previous?.text) == ["1"])
            }
        }

        @Test func oneTransactionIsOneBatch() async throws {
            try await withEtcd { _, client in
                var watch = client.watch(prefix: "w/").makeAsyncIterator()
                try await watch.waitUntilConnected()
                let puts = (0..<100).map { Operation.put("w/\($0)", "") }
                let revision = try await client.transaction(Transaction(when: [], then: puts)).revision
                let events = try await watch.nextEvents()
                #expect(events.count == 100)
                #expect(events.allSatisfy { $0.revision == revision })
            }
        }

        @Test func aWatchFromARevisionTellsTheHistorySince() async throws {
            try await withEtcd { _, client in
                let first = try await client.put("a", "1").revision
                for value in 2...5 { try await client.put("a", "\(value)") }
                var watch = client.watch(key: "a", from: first + 1).makeAsyncIterator()
                var values: [String?] = []
                while values.count < 4 { values += try await watch.nextEvents().map(\.keyValue?.text) }
                #expect(values == ["2", "3", "4", "5"])
            }
        }

        @Test func compactionIsToldAsTheLastElement() async throws {
            try await withEtcd { _, client in
                let first = try await client.put("a", "1").revision
                try await client.put("a", "2")
                let last = try await client.put("a", "3").revision
                try await client.compact(before: last)
                var elements: [WatchElement] = []
                for try await element in client.watch(key: "a", from: first) { elements.append(element) }
                #expect(elements.last == .compacted(revision: last))
                #expect(!elements.contains { if case .events = $0 { true } else { false } })
            }
        }

        @Test func aWatchGoesOnAfterTheServerWasKilledAndMissesNothing() async throws {
            try await withEtcd(change: quickWatch) { server, client in
                var watch = client.watch(prefix: "w/").makeAsyncIterator()
                try await watch.waitUntilConnected()
                try await client.put("w/1", "")
                #expect(try await watch.nextEvents().map(\.key) == ["w/1"])
                try await client.put("w/2", "")
                await server.kill()
                try await server.restart()
                try await client.put("w/3", "")
                var keys: [String] = []
                while keys.count < 2 { keys += try await watch.nextEvents().map(\.key) }
                #expect(keys == ["w/2", "w/3"])
            }
        }

        @Test func theLossAndTheReturnAreTold() async throws {
            try await withEtcd(change: quickWatch) { server, client in
                var watch = client.watch(prefix: "w/").makeAsyncIterator()
                let revision = try await client.put("x", "").revision
                #expect(try await watch.next() == .connected(revision: revision))
                await server.kill()
                guard case .disconnected(let error) = try await watch.next() else {
                    Issue.record("the loss was not told")
                    return
                }
                #expect(error.code == .connection && error.operation == "watch")
                try await server.restart()
                #expect(try await watch.next() == .connected(revision: revision))
            }
        }

        @Test func aFrozenServerIsNoticedOnAnIdleWatch() async throws {
            try await withEtcd(change: { configuration in
                quickWatch(&configuration)
                configuration.requestTimeout = .milliseconds(500)
            }) { server, client in
                var watch = client.watch(prefix: "w/").makeAsyncIterator()
                try await watch.waitUntilConnected()
                server.freeze()
                guard case .disconnected(let error) = try await watch.next() else {
                    Issue.record("the loss was not told")
                    return
                }
                #expect(error.reason.contains("silent member"))
                server.thaw()
                try await watch.waitUntilConnected()
                try await eventually("writable again") { (try? await client.put("w/1", "")) != nil }
                #expect(try await watch.nextEvents().map(\.key) == ["w/1"])
            }
        }

        @Test func anIdleWatchOnALivingServerStays() async throws {
            try await withEtcd(change: { configuration in
                quickWatch(&configuration)
                configuration.watch.probeInterval = .milliseconds(50)
            }) { _, client in
                var watch = client.watch(prefix: "w/").makeAsyncIterator()
                try await watch.waitUntilConnected()
                let reader = Task { [watch] in
                    var watch = watch
                    return try await watch.next()
                }
                let before = client.statistics.finishedTransfers
                try await eventually("the member was asked five times") {
                    client.statistics.finishedTransfers >= before + 5
                }
                try await client.put("w/1", "")
                guard case .events(let events, _) = try await reader.value else {
                    Issue.record("something else came before the event")
                    return
                }
                #expect(events.map(\.key) == ["w/1"])
            }
        }

        @Test func progressIsToldWhileOthersWrite() async throws {
            let options = EtcdServer.Options(flags: ["--experimental-watch-progress-notify-interval", "100ms"])
            try await withEtcd(options) { _, client in
                var watch = client.watch(prefix: "w/").makeAsyncIterator()
                try await watch.waitUntilConnected()
                let revision = try await client.put("other", "").revision
                while let element = try await watch.next() {
                    guard case .progress(let told) = element else {
                        Issue.record("not progress: \(element)")
                        return
                    }
                    if told >= revision { break }
                }
            }
        }

        @Test func aCancelledWatchEndsAndFreesItsTransfer() async throws {
            try await withEtcd { _, client in
                let watch = client.watch(prefix: "w/")
                let (connected, signal) = AsyncStream<Void>.makeStream()
                let reader = Task {
                    for try await element in watch {
                        if case .connected = element { signal.finish() }
                    }
                }
                for await _ in connected {}
                #expect(client.statistics.activeTransfers == 1)
                reader.cancel()
                try await reader.value
                try await eventually("the transfer is gone") { client.statistics.activeTransfers == 0 }
            }
        }

        @Test func anIteratorThatIsLetGoFreesItsTransfer() async throws {
            try await withEtcd { _, client in
                for try await element in client.watch(prefix: "w/") {
                    if case .connected = element { break }
                }
                try await eventually("the transfer is gone") { client.statistics.activeTransfers == 0 }
            }
        }

        @Test func manyWatchesDoNotStandInTheWayOfCalls() async throws {
            try await withEtcd(change: { $0.connectionsPerEndpoint = 2 }) { _, client in
                var watches = (0..<20).map { client.watch(key: "k\($0)").makeAsyncIterator() }
                for index in watches.indices { try await watches[index].waitUntilConnected() }
                for index in watches.indices { try await client.put("k\(index)", "\(index)") }
                for index in watches.indices {
                    #expect(try await watches[index].nextEvents().map(\.keyValue?.text) == ["\(index)"])
                }
            }
        }

        @Test func shutdownEndsAWatchWithAnError() async throws {
            try await withEtcd { _, client in
                var watch = client.watch(prefix: "w/").makeAsyncIterator()
                try await watch.waitUntilConnected()
                await client.shutdown()
                let error = try await failure { _ = try await watch.next() }
                #expect(error.code == .closed)
            }
        }

        @Test func followingAPrefixListsAgainAfterACompaction() async throws {
            try await withEtcd(change: quickWatch) { server, client in
                try await client.put("f/1", "")
                var follow = client.follow(prefix: "f/").makeAsyncIterator()
                let first = try await follow.reading()
                #expect(first.kvs.map(\.key) == ["f/1"])
                #expect(try await follow.next() == .connected(revision: first.revision))

                // While the follower is cut off, history moves on and is forgotten. It reads nothing meanwhile, so
                // that the server's end of the stream is what it finds first.
                await server.kill()
                try await server.restart()
                try await withClient(try makeClient(server.url)) { other in
                    try await other.put("f/2", "")
                    try await other.delete("f/1")
                    try await other.compact(before: try await other.put("f/3", "").revision)
                }
                #expect(try await follow.reading().kvs.map(\.key) == ["f/2", "f/3"])
            }
        }

        @Test func followingWaitsForAnEtcdThatIsNotThereYet() async throws {
            try await EtcdServer.with { server in
                await server.kill()
                try await withClient(try makeClient(server.url, change: quickWatch)) { client in
                    var follow = client.follow(prefix: "f/").makeAsyncIterator()
                    guard case .disconnected(let error) = try await follow.next() else {
                        Issue.record("the absence was not told")
                        return
                    }
                    #expect(error.code == .connection)
                    try await server.restart()
                    #expect(try await follow.reading().kvs.isEmpty)
                }
            }
        }
    }
}

extension EtcdFollow.Iterator {
    /// Goes on until everything has been told, as a consumer would put it together.
    fileprivate mutating func reading() async throws -> ListResponse {
        var kvs: [KeyValue] = []
        while let element = try await next() {
            switch element {
            case .page(let page, let isFirst): kvs = (isFirst ? [] : kvs) + page
            case .snapshot(let revision): return ListResponse(kvs: kvs, revision: revision)
            default: break
            }
        }
        throw UnexpectedEnd()
    }
}
