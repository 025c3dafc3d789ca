import FoundationEssentials
import Glibc
import RealParts
import Rig
import Testing
import VolumeCore

@testable import CephStorage

extension CephTests {
    @Suite("Cluster") struct Cluster {
        @Test("The connection knows its cluster, its number and its address")
        func identity() async throws {
            try await CephFixture.with { ceph in
                let identity = try await ceph.connection.identity()
                #expect(identity.fsid == ceph.environment.fsid)
                #expect(identity.clientID > 0)
                #expect(identity.addresses.count == 1)
                guard case .connected(ceph.environment.fsid, identity.clientID) = await ceph.connection.status else {
                    Issue.record("\(await ceph.connection.status)")
                    return
                }
                try await ceph.connection.ping()
            }
        }

        @Test("All who come at once share one connection")
        func shared() async throws {
            try await CephFixture.with { ceph in
                let connection = ceph.connection
                let ids = try await withThrowingTaskGroup(of: UInt64.self) { group in
                    for _ in 0..<20 { group.addTask { try await connection.identity().clientID } }
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                #expect(ids.count == 1)
            }
        }

        @Test("Pools are found by name and number, and missing ones are nil")
        func pools() async throws {
            try await CephFixture.with { ceph in
                let pools = try await ceph.connection.pools()
                let entry = try #require(pools.first { $0.name == ceph.environment.pool })
                #expect(pools.map(\.name).contains(ceph.environment.closedPool))
                #expect(try await ceph.connection.poolID(ceph.environment.pool) == entry.id)
                #expect(try await ceph.connection.poolName(entry.id) == entry.name)
                #expect(try await ceph.connection.poolID("no-such-pool") == nil)
                #expect(try await ceph.connection.poolName(999_999) == nil)
            }
        }

        @Test("A pool made after connecting is found")
        func newPool() async throws {
            try await CephFixture.with { ceph in
                let name = uniqueName("pool")
                #expect(try await ceph.connection.poolID(name) == nil)
                try await ceph.rig.ceph("osd", "pool", "create", name, "1")
                #expect(try await ceph.connection.poolID(name) != nil)
                try await ceph.rig.ceph("osd", "pool", "rm", name, name, "--yes-i-really-really-mean-it")
            }
        }

        @Test("The cluster knows how full its pools are, and how full it is")
        func usageKnown() async throws {
            try await CephFixture.with { ceph in
                let usage = try #require(try await ceph.connection.poolUsage(ceph.environment.pool))
                #expect(usage.maxAvailable > 1 << 30)
                let cluster = try await ceph.connection.clusterUsage()
                #expect(cluster.total >= cluster.available && cluster.available > 1 << 30)
            }
        }

        @Test("Without a manager's reports nobody knows how full a pool is")
        func usageUnknown() throws {
            let json = """
                {"stats":{"total_bytes":0,"total_avail_bytes":0},"stats_by_class":{},"pools":[{"name":"rbd","id":1,
                "stats":{"stored":0,"objects":0,"kb_used":0,"bytes_used":0,"percent_used":0,"max_avail":0}}]}
                """
            #expect(try JSONDecoder().decode(DiskFree.self, from: Data(json.utf8)).usage(of: "rbd") == nil)
        }

        @Test("How full a pool is comes from 'ceph df'")
        func usage() throws {
            let json = """
                {"stats":{"total_bytes":100,"total_avail_bytes":90},"stats_by_class":{},"pools":[{"name":"rbd","id":1,
                "stats":{"stored":7,"objects":2,"kb_used":1,"bytes_used":9,"percent_used":0.1,"max_avail":81}}]}
                """
            let answer = try JSONDecoder().decode(DiskFree.self, from: Data(json.utf8))
            #expect(answer.usage(of: "rbd") == PoolUsage(stored: 7, maxAvailable: 81))
            #expect(answer.usage(of: "just-created") == nil)
        }

        @Test("A namespace is made, holds images of its own, and is removed")
        func namespaces() async throws {
            try await CephFixture.with { ceph in
                let location = ImageLocation(pool: ceph.environment.pool, namespace: uniqueName("tenant"))
                let inside = RBDImages(location, connection: ceph.connection)
                #expect(try await !ceph.connection.namespaceExists(location))
                let missing = try await CephFixture.error {
                    try await inside.create("db", size: CephFixture.mebibyte, layout: ImageLayout())
                }
                #expect(missing.isNotFound)

                try await ceph.connection.createNamespace(location)
                #expect(try await ceph.connection.namespaceExists(location))
                #expect(try await ceph.connection.namespaces(in: location.pool).contains(location.namespace))
                let twice = try await CephFixture.error { try await ceph.connection.createNamespace(location) }
                #expect(twice.isExists)

                try await inside.create("db", size: CephFixture.mebibyte, layout: ImageLayout())
                #expect(try await inside.list().map(\.name) == ["db"])
                #expect(try await !ceph.images.list().map(\.name).contains("db"))
                let full = try await CephFixture.error { try await ceph.connection.removeNamespace(location) }
                #expect(full.isBusy)
                try await inside.remove("db")
                try await ceph.connection.removeNamespace(location)
                #expect(try await !ceph.connection.namespaceExists(location))
            }
        }

        @Test("A monitor's own words are in the error")
        func monitorWords() async throws {
            try await CephFixture.with { ceph in
                let error = try await CephFixture.error {
                    try await ceph.connection.monitorCommand(
                        MonitorCommand("osd pool create", ["pool": "x"]), mutates: true)
                }
                #expect(error.isDenied)
                #expect(error.outcome == .refused)
                #expect(error.description.contains("access denied"))
                let unknown = try await CephFixture.error {
                    try await ceph.connection.monitorCommand(MonitorCommand("no such thing"), mutates: false)
                }
                #expect(unknown.code == EINVAL)
            }
        }

        @Test("A closed connection refuses calls and says so")
        func closed() async throws {
            try await CephFixture.with { ceph in
                try await ceph.connection.ping()
                try await ceph.connection.close()
                let error = try await CephFixture.error { try await ceph.connection.ping() }
                #expect(error.description.contains("closed"))
            }
        }

        @Test("reconnect makes a new client, and an open image stays usable on the old one")
        func reconnect() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let before = try await ceph.connection.identity().clientID
                    let image = try await ceph.images.open(.name(name), .readOnly)
                    try await ceph.connection.reconnect()
                    #expect(try await ceph.connection.identity().clientID != before)
                    #expect(try await image.stat().name == name)
                    #expect(image.clientID == before)
                    try await image.close()
                }
            }
        }
    }

    @Suite("Connecting") struct Connecting {
        @Test("A wrong key is refused, and the error says where to look")
        func wrongKey() async throws {
            try await CephFixture.with { settings, _ in
                settings.overrides["key"] = "AQBFfoVnKV1BBBAAaHkEBdZ1FMaqTb4M/MTvFA=="
            } _: { ceph in
                let error = try await CephFixture.error { try await ceph.connection.ping() }
                #expect(error.call == "rados_connect")
                #expect(error.isDenied, "\(error)")
                #expect(error.description.contains("key"))
                #expect(!error.description.contains("AQBFfoVnKV1"))
            }
        }

        @Test("A user that does not exist is refused")
        func wrongUser() async throws {
            try await CephFixture.with { settings, environment in
                settings.user = "nobody"
                settings.keyring = environment.cephKeyring
            } _: { ceph in
                let error = try await CephFixture.error { try await ceph.connection.ping() }
                #expect(error.call == "rados_connect")
                #expect(error.remedy != nil, "\(error)")
            }
        }

        @Test("A keyring that is missing is named")
        func missingKeyring() async throws {
            try await CephFixture.with { settings, _ in
                settings.keyring = "/nonexistent/keyring"
            } _: { ceph in
                let error = try await CephFixture.error { try await ceph.connection.ping() }
                #expect(error.description.contains("no readable keyring at /nonexistent/keyring"), "\(error)")
            }
        }

        @Test("A ceph.conf that is missing is named")
        func missingConf() async throws {
            try await CephFixture.with { settings, _ in
                settings.confFile = "/nonexistent/ceph.conf"
            } _: { ceph in
                let error = try await CephFixture.error { try await ceph.connection.ping() }
                #expect(error.description.contains("/nonexistent/ceph.conf"), "\(error)")
                #expect(error.call == "rados_conf_read_file")
            }
        }

        @Test("Without a monitor's address the error says which option is missing")
        func noMonitors() async throws {
            try await CephFixture.with { settings, environment in
                settings.confFile = nil
                settings.keyring = environment.cephKeyring
            } _: { ceph in
                let error = try await CephFixture.error { try await ceph.connection.ping() }
                #expect(error.description.contains("mon host"), "\(error)")
            }
        }

        @Test("An option that Ceph does not know is named, its value is not")
        func unknownOption() async throws {
            try await CephFixture.with { settings, _ in
                settings.overrides["no_such_option"] = "secret-value"
            } _: { ceph in
                let error = try await CephFixture.error { try await ceph.connection.ping() }
                #expect(error.description.contains("option 'no_such_option'"))
                #expect(!error.description.contains("secret-value"))
            }
        }

        @Test("It works without any ceph.conf when the options say it all")
        func withoutConf() async throws {
            try await CephFixture.with { settings, environment in
                settings.confFile = nil
                settings.keyring = environment.cephKeyring
                settings.overrides["mon_host"] = environment.monHost
            } _: { ceph in
                try await ceph.connection.ping()
            }
        }
    }
}
