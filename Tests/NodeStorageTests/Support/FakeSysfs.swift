import RealParts
import Rig

/// A folder that looks like `/sys`, for mappers whose drivers this machine may not have.
struct FakeSysfs: Sendable {
    let path: String
    let bench: LinuxBench

    static func make(_ bench: LinuxBench) async throws -> FakeSysfs {
        let path = bench.scratch.path + "/sys"
        try await bench.tool("mkdir", "-p", path)
        return FakeSysfs(path: path, bench: bench)
    }

    func write(_ files: [String: String]) async throws {
        for (name, content) in files {
            let file = "\(path)/\(name)"
            try await bench.tool("mkdir", "-p", String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)]))
            try await bench.tool("sh", "-c", "printf %s \"$1\" >\"$2\"", "sh", content, file)
        }
    }

    /// As the kernel shows an image that is mapped.
    func map(
        _ id: Int, pool: String, namespace: String? = "", name: String, id image: String? = nil, snapshot: String = "-",
        client: String = "10.0.0.1:0/7", fsid: String = "f5", sectors: Int = 131072
    ) async throws {
        let folder = "bus/rbd/devices/\(id)"
        var files = [
            "\(folder)/pool": pool + "\n", "\(folder)/name": name + "\n", "\(folder)/current_snap": snapshot + "\n",
            "\(folder)/client_addr": client + "\n", "\(folder)/cluster_fsid": fsid + "\n", "\(folder)/refresh": "",
            "block/rbd\(id)/size": "\(sectors)\n",
        ]
        if let image { files["\(folder)/image_id"] = image + "\n" }
        if let namespace { files["\(folder)/pool_ns"] = namespace + "\n" }
        try await write(files)
    }

    func unmap(_ id: Int) async throws { try await bench.tool("rm", "-r", "\(path)/bus/rbd/devices/\(id)") }
}
