import Glibc
import SystemPackage
import VolumeCore

/// Looks at what this node offers, and changes nothing: no module is loaded.
public struct NodeSurvey: Sendable {
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let searchPath: SearchPath

    public init(runner: any CommandRunner, kernel: KernelCalls, searchPath: SearchPath = .standard) {
        self.runner = runner
        self.kernel = kernel
        self.searchPath = searchPath
    }

    /// The kernel's release, as `uname -r` says it.
    public func kernelRelease() async throws -> String {
        try await kernel.run("read osrelease", to: "find out which kernel this is") {
            try SmallFile.line("/proc/sys/kernel/osrelease") ?? ""
        }
    }

    /// What each kind of mapper lacks here, in words, in the order in which `auto` prefers them; empty for one that works, or
    /// would once its module is loaded.
    /// - Parameter client: how the kernel is to reach the cluster; `nil` when that is not known.
    public func mappers(as client: KernelClient?) async throws -> [(kind: MapperKind, lacks: [String])] {
        let probe = MapperProbe(runner: runner, kernel: kernel, searchPath: searchPath)
        var mappers: [(MapperKind, [String])] = []
        for kind in MapperSelection.order { mappers.append((kind, try await probe.lack(of: kind, as: client))) }
        return mappers
    }

    /// Which of these features the kernel's driver cannot map; `nil` when it is not loaded.
    public func unsupported(by features: ImageFeatures) async throws -> ImageFeatures? {
        try await kernel.run("read supported_features", to: "find out what the kernel can map") {
            try KrbdDevices().supportedFeatures().map { features.subtracting($0) }
        }
    }

    /// The tools of a filesystem that are not there, each with its package.
    public func missingTools(of filesystem: FilesystemType) -> [String] {
        Tool.needed(for: filesystem).filter { searchPath.find($0) == nil }.map { "\($0.name) (package \($0.package))" }
    }

    /// How many bytes are free for others than root where the folder is, or will be.
    public func free(at folder: String) async throws -> UInt64 {
        try await kernel.run("statvfs", to: "find out what is free at \(folder)") {
            var path = folder
            while !SystemCall.exists(path), let slash = path.lastIndex(of: "/"), slash > path.startIndex {
                path = String(path[..<slash])
            }
            return try ScratchRoom.free(in: path.isEmpty ? "/" : path)
        }
    }

    /// The controllers of the root of cgroup v2; `nil` where `blkio` is cgroup v1's.
    public func controllers() async throws -> Set<String>? {
        try await kernel.run("read cgroup.controllers", to: "find out which limits there are") {
            guard case .unified = ControlGroupHierarchy(groups: try SmallFile.read("/proc/self/cgroup")) else {
                return nil
            }
            let groups = try ControlGroups.ofHost(for: "find out which limits there are")
            let line = try SmallFile.line("\(groups.root)/cgroup.controllers") ?? ""
            return Set(line.split(separator: " ").map(String.init))
        }
    }

    /// The addresses of all interfaces, as Ceph writes them.
    public func addresses() async throws -> Set<String> {
        try await kernel.run("getifaddrs", to: "find out this node's addresses") { try SystemCall.hostAddresses() }
    }

    /// What the kernel shows of its rbd devices, a line each: number, image, client.
    public func devices() async throws -> [String] {
        try await kernel.run("read /sys/bus/rbd", to: "list the kernel's rbd devices") {
            try KrbdDevices().all().map { device in
                "/dev/rbd\(device.id) \(device.image) id=\(device.imageID ?? "-") client=\(device.client?.text ?? "-")"
                    + " cluster=\(device.fsid ?? "-") snapshot=\(device.isSnapshot ? "yes" : "no")"
            }
        }
    }

    /// The beginning of a file of `/proc` or `/sys`.
    public func text(of path: String) async throws -> String {
        try await kernel.run("read \(path)", to: "read \(path)") { try SmallFile.read(path, limit: 4 << 20) }
    }

    /// The names in a folder, sorted; empty when there is none.
    public func names(in folder: String) async throws -> [String] {
        try await kernel.run("read \(folder)", to: "read \(folder)") { try SystemCall.names(in: folder) }
    }
}

extension Tool {
    /// What is run to make, check, grow and clone a filesystem.
    static func needed(for filesystem: FilesystemType) -> [Tool] {
        switch filesystem {
        case .ext4: [.mkfsExt4, .e2fsck, .resize2fs, .tune2fs]
        case .xfs: [.mkfsXFS, .xfsGrowfs, .xfsDebugger]
        case .btrfs: [.mkfsBtrfs, .btrfs, .btrfstune]
        }
    }
}
