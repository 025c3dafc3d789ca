import Rig
import Testing

extension EngineTests {
    /// Services of a Swarm of two nodes on one Ceph and etcd.
    @Suite("Swarm")
    struct SwarmTests {
        @Test("Services keep their volumes through updates and scaling, and take them along when a node is drained")
        func services() async throws {
            try await Self.withSwarm { swarm in
                try await Self.drain(swarm)
                try await Self.scale(swarm)
            }
        }

        /// A service with one volume, which is updated, restarted, and driven from its node.
        private static func drain(_ swarm: Swarm) async throws {
            let mount =
                "type=volume,source=db,destination=/data,volume-driver=wetopi/rbd,volume-opt=pool=rbd,volume-opt=size=512"
            try await swarm.create("db", replicas: 1, mount)
            let first = try await swarm.soleTask(of: "db")
            try await swarm.exec(first, "echo kept >/data/file && sync")
            let status = try await swarm.status(of: "db")
            #expect(status?["size"] == "512M")
            #expect(status?["mount"]?["node"] == .string(swarm.node(first.engine)))

            try await swarm.manager.docker("service", "update", "--detach", "--env-add", "NEW=1", "db")
            let updated = try await swarm.soleTask(of: "db", otherThan: first)
            #expect(try await swarm.exec(updated, "cat /data/file; echo $NEW") == "kept\n1")

            try await swarm.manager.docker("service", "update", "--detach", "--force", "db")
            let forced = try await swarm.soleTask(of: "db", otherThan: updated)
            #expect(try await swarm.exec(forced, "cat /data/file") == "kept")

            try await swarm.setAvailability("drain", of: forced.engine)
            let moved = try await swarm.soleTask(of: "db", otherThan: forced)
            #expect(moved.engine != forced.engine)
            #expect(try await swarm.exec(moved, "cat /data/file") == "kept")
            #expect(try await swarm.status(of: "db")?["mount"]?["node"] == .string(swarm.node(moved.engine)))
            #expect(try await swarm.plugins[forced.engine].holdings(of: "db").isEmpty)
            try await swarm.setAvailability("active", of: forced.engine)

            try await swarm.manager.docker("service", "rm", "db")
            try await swarm.removeVolume("db")
        }

        /// A service each task of which has a volume of its own, named by the task's slot.
        private static func scale(_ swarm: Swarm) async throws {
            let mount =
                "type=volume,source=slot-{{.Task.Slot}},destination=/data,volume-driver=wetopi/rbd,volume-opt=pool=rbd,volume-opt=size=32"
            try await swarm.create("many", replicas: 3, mount)
            let tasks = try await swarm.tasks(of: "many", count: 3)
            var contents: [String: String] = [:]
            for task in tasks {
                let volume = try await swarm.volume(of: task)
                contents[volume] = task.container
                try await swarm.exec(task, "echo \(task.container) >/data/file && sync")
            }
            #expect(contents.keys.sorted() == ["slot-1", "slot-2", "slot-3"])

            try await swarm.manager.docker("service", "scale", "--detach", "many=1")
            _ = try await swarm.tasks(of: "many", count: 1)
            try await swarm.manager.docker("service", "scale", "--detach", "many=3")
            for task in try await swarm.tasks(of: "many", count: 3) {
                let volume = try await swarm.volume(of: task)
                #expect(try await swarm.exec(task, "cat /data/file") == contents[volume], "\(volume)")
            }
            try await swarm.manager.docker("service", "rm", "many")
            for volume in contents.keys.sorted() { try await swarm.removeVolume(volume) }
        }

        private static func withSwarm(_ body: (Swarm) async throws -> Void) async throws {
            let package = try await SharedEngine.package
            try await TwoHosts.with { hosts in
                let prefix = uniqueName("swarm") + "/"
                let plugins = hosts.engines.enumerated().map { index, engine in
                    ManagedPlugin("wetopi/rbd", in: engine, prefix: prefix, node: "host-\(index)")
                }
                for plugin in plugins { try await plugin.create(from: package) }
                do {
                    try await body(try await Swarm(plugins, at: TwoHosts.addresses))
                } catch {
                    let logs = plugins.map { $0.engine.log.suffix(5000) }
                    throw RigFailure("\(error)\nThe daemons' logs end with:\n\(logs.joined(separator: "\n---\n"))")
                }
            }
        }
    }
}
