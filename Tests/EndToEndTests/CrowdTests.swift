import Rig
import Testing

/// Many calls at once.
@Suite("Crowds", .serialized)
struct CrowdTests {
    @Test("16 volumes live at the same time, and nobody is shut out of Ceph over it")
    func sixteenVolumes() async throws {
        try await Stage.with { stage in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    group.addTask { try await Self.live(uniqueName("many\(number)"), on: stage) }
                }
                try await group.waitForAll()
            }
            // Librbd puts on the blocklist what it finds of plugins that earlier tests have killed.
            let shutOut = stage.plugin.log.split(separator: "\n").filter { $0.contains("shut out") }
            #expect(shutOut.isEmpty, "each client ended in good order")
            try await stage.expectBlank("16 volumes")
        }
    }

    @Test("With OPERATIONS_PER_POOL=2 never more than two operations are at work, and all get their turn")
    func twoAtATime() async throws {
        try await Stage.with(settings: ["OPERATIONS_PER_POOL": "2"]) { stage in
            let sawThemWait = try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask { try await Self.live(uniqueName("turn\(number)"), on: stage) }
                }
                let watching = Task {
                    var sawThemWait = false
                    while !Task.isCancelled {
                        let (atWork, waiting) = try await Self.load(of: stage)
                        #expect(atWork <= 2)
                        sawThemWait = sawThemWait || waiting > 0
                    }
                    return sawThemWait
                }
                defer { watching.cancel() }
                try await group.waitForAll()
                watching.cancel()
                return try await watching.value
            }
            #expect(sawThemWait, "else the bound was never reached")
            try await stage.expectBlank("8 volumes")
        }
    }

    /// What the plugin says of the operations that are at work and that wait.
    private static func load(of stage: Stage) async throws -> (atWork: Int, waiting: Int) {
        let lines = try await stage.client.fetch("/metrics").text.split(separator: "\n")
        func value(_ name: String) throws -> Int {
            let value = lines.first { $0.hasPrefix(name + " ") }?.split(separator: " ").last
            return try #require(value.flatMap { Int($0) }, "\(name)")
        }
        return (try value("rbd_plugin_operations_at_work"), try value("rbd_plugin_operations_waiting"))
    }

    private static func live(_ name: String, on stage: Stage) async throws {
        let (client, bytes) = (stage.client, randomBytes(1 << 20))
        try await client.create(name, options: stage.options()).checked()
        let mountpoint = try await client.mount(name, id: "a").checked().mountpoint
        try write(bytes, to: mountpoint + "/data")
        try await client.unmount(name, id: "a").checked()
        try await client.mount(name, id: "b").checked()
        #expect(try read(mountpoint + "/data") == bytes, "\(name)")
        try await client.unmount(name, id: "b").checked()
        try await client.remove(name).checked()
    }

    @Test("One volume is created and mounted from 8 connections at once: one image, one mapping, one mount")
    func oneVolume() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, uniqueName("one"))
            let mountpoints = try await withThrowingTaskGroup(of: String.self, returning: Set<String>.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await client.create(name, options: stage.options()).checked()
                        return try await client.mount(name, id: "container-\(number)").checked().mountpoint
                    }
                }
                return try await group.reduce(into: []) { $0.insert($1) }
            }
            #expect(mountpoints == ["\(stage.plugin.mountRoot)/\(name)"])
            #expect(stage.plugin.kernelState.loopDevices.count == 1, "\(stage.plugin.kernelState)")
            #expect(stage.plugin.kernelState.mounts.filter { $0.mountpoint.hasSuffix(name) }.count == 1)
            #expect(try await stage.ceph.images(in: "\(stage.pool)/\(stage.namespace)") == [name])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<7 {
                    group.addTask { try await client.unmount(name, id: "container-\(number)").checked() }
                }
                try await group.waitForAll()
            }
            #expect(stage.plugin.kernelState.mount(at: "\(stage.plugin.mountRoot)/\(name)") != nil, "one still has it")
            try await client.unmount(name, id: "container-7").checked()
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            try await client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("Mounts and Unmounts of one volume in any order end with what they add up to")
    func comingAndGoing() async throws {
        try await Stage.with { stage in
            let (client, name) = (stage.client, try await stage.volume("coming"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        for round in 0..<3 {
                            let mountpoint = try await client.mount(name, id: "c\(number)").checked().mountpoint
                            try write("\(number) \(round)", to: "\(mountpoint)/file-\(number)")
                            #expect(try text(of: "\(mountpoint)/file-\(number)") == "\(number) \(round)")
                            try await client.unmount(name, id: "c\(number)").checked()
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(stage.plugin.kernelState.isEmpty, "\(stage.plugin.kernelState)")
            #expect(try await stage.mountRecord(of: name) == nil)
            let mountpoint = try await client.mount(name, id: "last").checked().mountpoint
            #expect(names(in: mountpoint) == (0..<4).map { "file-\($0)" })
        }
    }
}
