import CephStorage
import FoundationEssentials
import Glibc
import RealParts
import Rig
import Testing

extension CephTests {
    /// Other tests run in the same process: the bounds leave room for their threads and
    /// descriptors, and are far below what one leak a round would come to.
    @Suite("Leaks") struct Leaks {
        @Test("Opening and closing images leaves no thread and no descriptor behind")
        func images() async throws {
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    try await ceph.images.withImage(.name(name), .readWrite) { _ in }
                    let before = try ProcessUse.now()
                    for round in 0..<500 {
                        try await ceph.images.withImage(.name(name), round % 5 == 0 ? .readWrite : .readOnly) { _ in }
                    }
                    let after = try ProcessUse.now()
                    #expect(after.threads - before.threads < 100)
                    #expect(after.descriptors - before.descriptors < 100)
                    let watchers = try await ceph.images.withImage(.name(name), .readOnly) { try await $0.watchers() }
                    #expect(watchers.isEmpty)
                }
            }
        }

        @Test("Connecting and closing leaves no thread and no descriptor behind")
        func connections() async throws {
            try await CephFixture.with { try await $0.connection.ping() }
            let before = try ProcessUse.now()
            for _ in 0..<25 {
                try await CephFixture.with { try await $0.connection.ping() }
            }
            try await eventually("the threads of closed connections to end") {
                let now = try ProcessUse.now()
                return now.threads - before.threads < 100 && now.descriptors - before.descriptors < 100
            }
        }

        @Test("Images and connections that are forgotten are closed in the background")
        func forgotten() async throws {
            let environment = try RigEnvironment.required()
            try await CephFixture.with { ceph in
                try await ceph.withImage { name in
                    let before = try ProcessUse.now()
                    for _ in 0..<20 {
                        let connection = CephFixture.connection(CephFixture.settings(environment))
                        let images = RBDImages(ceph.images.location, connection: connection)
                        _ = try await images.open(.name(name), .readWrite)
                    }
                    try await eventually("the forgotten to be closed") {
                        let watchers = try await ceph.images.withImage(.name(name), .readOnly) {
                            try await $0.watchers()
                        }
                        return watchers.isEmpty
                    }
                    try await eventually("their threads to end") { try ProcessUse.now().threads - before.threads < 100 }
                }
            }
        }
    }
}

/// What this process has open.
private struct ProcessUse {
    let threads: Int
    let descriptors: Int

    static func now() throws -> ProcessUse {
        let files = FileManager.default
        return ProcessUse(
            threads: try files.contentsOfDirectory(atPath: "/proc/self/task").count,
            descriptors: try files.contentsOfDirectory(atPath: "/proc/self/fd").count)
    }
}
