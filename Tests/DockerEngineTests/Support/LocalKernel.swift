import FoundationEssentials
import Glibc
import Rig

/// This machine's kernel, as far as one engine has to do with it: all of an engine's lies below its folder.
extension DockerEngine {
    var patience: Duration { .seconds(30) }

    var sources: [String] { ["modules.source=\(exists("/lib/modules") ? "/lib/modules" : "/sys/fs")"] }

    /// Names the engine's folder, so that what is left over can be told from that of others.
    var settings: [String] { ["RBD_STATE_DIR=\(scratch.path)/s"] }

    func mappings(of volume: String) -> [String] {
        scratch.kernelState.exports.filter { export in
            export.arguments.contains { $0.contains("image=\(volume)") || $0.contains("\"image\":\"\(volume)\"") }
        }.map { "export by process \($0.pid)" }
    }

    func mounts(of volume: String) -> [String] {
        let mounts = scratch.kernelState.mounts.filter { $0.mountpoint.hasSuffix("/propagated-mount/\(volume)") }
        return Set(mounts.map { "mount of \($0.source)" }).sorted()
    }

    func processes(ofPlugin id: String) throws -> [Int32] {
        let all = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init)
        return all.filter { pid in
            guard let groups = try? text(of: "/proc/\(pid)/cgroup"), groups.contains(id),
                let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
            else { return false }
            return program.hasSuffix("/rbd-plugin")
        }
    }

    func kernelText(_ path: String) throws -> String { try text(of: path) }

    func kill(_ processes: [Int32]) {
        for process in processes { _ = Glibc.kill(process, SIGKILL) }
    }

    /// The file of a loop device that is kept for a process that is gone has no path any more, and `/` is shown for it.
    func isForgotten(_ device: String) -> Bool {
        let name = device.drop { $0 != "l" && $0 != "r" }
        let file = (try? text(of: "/sys/block/\(name)/loop/backing_file"))?.filter { $0 != "\n" } ?? ""
        return file == "/" || file.hasPrefix(scratch.path)
    }
}
