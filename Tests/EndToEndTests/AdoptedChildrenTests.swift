import FoundationEssentials
import Rig
import Testing

/// The plugin as process 1 of a namespace, as in a managed plugin's container: daemons that leave the process that
/// started them become its children.
@Suite("Adopted children")
struct AdoptedChildrenTests {
    @Test("D1: mapping and unmapping leaves no zombie, and every call gets its children's exit status")
    func d1NoZombieIsLeft() async throws {
        try await Stage.with(settings: ["RBD_MAPPER": "fuse"], started: false) { stage in
            try await stage.plugin.start(by: ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"])
            let program = try await Self.program(of: stage)
            for _ in 0..<3 {
                try await withThrowingTaskGroup(of: Void.self) { volumes in
                    for _ in 0..<4 {
                        volumes.addTask { try await Self.use(try await stage.volume("adopted"), on: stage) }
                    }
                    try await volumes.waitForAll()
                }
            }
            try await eventually("all zombies to be reaped, but there are: \(Self.zombies(of: program))") {
                Self.zombies(of: program).isEmpty
            }
        }
    }

    private static func use(_ name: String, on stage: Stage) async throws {
        for id in ["a", "b"] {
            try await stage.client.mount(name, id: id).checked()
            try await stage.client.unmount(name, id: id).checked()
        }
        try await stage.client.remove(name).checked()
    }

    /// The plugin itself, the child of what has made its namespace.
    private static func program(of stage: Stage) async throws -> Int32 {
        let wrapper = try #require(stage.plugin.pid)
        let children = try text(of: "/proc/\(wrapper)/task/\(wrapper)/children").split(separator: " ")
        return try #require(children.first.flatMap { Int32($0) })
    }

    private static func zombies(of parent: Int32) -> [String] {
        names(in: "/proc").compactMap(Int32.init).compactMap { pid in
            let stat = (try? text(of: "/proc/\(pid)/stat")) ?? ""
            return stat.contains(") Z \(parent) ") ? stat : nil
        }
    }
}
