import KernelRequest
import SystemPackage
import VolumeCore

/// Looks at this node for what each way of mapping needs. Loads the kernel's modules when that is possible.
public struct MapperProbe: Sendable {
    private let runner: any CommandRunner
    private let kernel: KernelCalls
    private let searchPath: SearchPath
    private let root: String

    public init(runner: any CommandRunner, kernel: KernelCalls, searchPath: SearchPath = .standard) {
        self.init(runner: runner, kernel: kernel, searchPath: searchPath, root: "")
    }

    /// - Parameter root: is put before each path that is looked at; a test's own folder.
    init(runner: any CommandRunner, kernel: KernelCalls, searchPath: SearchPath, root: String) {
        self.runner = runner
        self.kernel = kernel
        self.searchPath = searchPath
        self.root = root
    }

    /// Looks at one kind after the other until one works: no module is loaded that is not needed.
    /// - Parameters:
    ///   - wanted: the only one to look at; `nil` looks at all of them, in the order of preference.
    ///   - client: how the kernel is to reach the cluster: not every kernel can use every key.
    /// - Returns: for each kind that was looked at what it lacks, in words; empty for one that works.
    public func look(
        for wanted: MapperKind?, as client: @Sendable () async throws -> KernelClient
    ) async throws -> [MapperKind: [String]] {
        var lacks: [MapperKind: [String]] = [:]
        for kind in wanted.map({ [$0] }) ?? MapperSelection.order {
            var lack = try await lack(of: kind)
            if kind == .krbd, lack.isEmpty { lack = try await lackOfKey(try await client()) }
            lacks[kind] = lack
            if lack.isEmpty { break }
        }
        return lacks
    }

    /// What one kind lacks, found out without loading a module: one that could be loaded is none that lacks.
    /// - Parameter client: how the kernel is to reach the cluster; `nil` leaves the key out.
    func lack(of kind: MapperKind, as client: KernelClient?) async throws -> [String] {
        var lack = try await lack(of: kind, loading: false)
        if kind == .krbd, lack.isEmpty, let client { lack = try await lackOfKey(client) }
        return lack
    }

    private func lack(of kind: MapperKind, loading: Bool = true) async throws -> [String] {
        switch kind {
        case .krbd: try await lackOfModule("rbd", sign: "/sys/bus/rbd", loading) + lackOfTools([.kernel])
        case .nbd:
            try await lackOfHostsProcesses() + lackOfModule("nbd", sign: "/sys/module/nbd", loading)
                + lackOfTools([.rbd, .rbdNBD])
        case .fuse: try await lackOfFuse() + lackOfTools([.qemuStorageDaemon, .losetup, .rbd])
        }
    }

    /// Every kernel knows keys of the first type; of the others it is asked.
    private func lackOfKey(_ client: KernelClient) async throws -> [String] {
        guard let type = client.key?.type, type != .aes else { return [] }
        let result = try await runner.run(KrbdRequest.tryKey(of: client), to: "try the key of client.\(client.user)")
        guard result.exitStatus == KernelRequest.keyIsRefused else { return [] }
        return [
            "\(KrbdFailure.refused(client)): Linux 7.0 and later can, or \(CephKeyType.olderKey(for: client.user))"
        ]
    }

    private func lackOfModule(_ module: String, sign: String, _ loading: Bool) async throws -> [String] {
        if try await exists(sign) { return [] }
        let lack = "the kernel has no \(module) driver"
        do {
            let command = Command(.modprobe, loading ? [module] : ["--dry-run", module])
            let result = try await runner.run(command, to: "load the kernel module \(module)")
            if !loading && result.succeeded { return [] }
            if try await exists(sign) { return [] }
            return ["\(lack) (\(result.reason(of: .modprobe)))"]
        } catch let error as VolumeError where error.code == .timedOut {
            // A host that is still starting takes its time. To pass it over now would be for as long as the plugin runs.
            if try await exists(sign) { return [] }
            throw VolumeError(
                .timedOut, "load the kernel module \(module)", why: error.why,
                remedy:
                    "try again, or load it by hand ('modprobe \(module)'), or choose another mapper (RBD_MAPPER)",
                outcome: .unknown)
        } catch let error as VolumeError {
            return ["\(lack) (\(error.why))"]
        }
    }

    /// The first namespace of processes, as the kernel numbers it (PROC_PID_INIT_INO).
    private static let hostsProcesses = "pid:[4026531836]"

    /// The kernel tells which process serves an nbd device by its number on the host. In a container of its own, as a managed
    /// plugin is, `rbd-nbd` finds another process under that number, or none, and lists no device.
    private func lackOfHostsProcesses() async throws -> [String] {
        let link = root + "/proc/self/ns/pid"
        let namespace = try await kernel.run("read \(link)", to: "look at this process") {
            SystemCall.target(ofLink: link)
        }
        return namespace.map { $0 == Self.hostsProcesses } ?? true
            ? [] : ["a container cannot see the host's processes, and a managed plugin runs in one"]
    }

    private func lackOfTools(_ tools: [Tool]) -> [String] {
        tools.filter { searchPath.find($0) == nil }.map { "no \($0.name) (package \($0.package))" }
    }

    private func lackOfFuse() async throws -> [String] {
        var lacks: [String] = []
        for device in ["/dev/fuse", "/dev/loop-control"] where try await !exists(device) {
            lacks.append("no \(device)")
        }
        let (hasModule, startsMount) = try await kernel.run("read /usr/lib", to: "look for qemu's rbd module") {
            [root] in
            let folders = try libraryFolders()
            let hasModule =
                folders.contains { SystemCall.exists("\($0)/qemu/block-rbd.so") }
                || SystemCall.exists(root + "/usr/lib64/qemu-kvm/block-rbd.so")
            let libraries = Self.librariesThatStartMount
            return (
                hasModule, folders.contains { folder in libraries.contains { SystemCall.exists("\(folder)/\($0)") } }
            )
        }
        if !hasModule { lacks.append("no block-rbd.so for qemu (package qemu-block-extra)") }
        guard startsMount else { return lacks }
        for program in ["/bin/mount", "/bin/umount"] where try await !exists(program) {
            lacks.append("no \(program) (package mount), which libfuse 3.17 and later starts")
        }
        return lacks
    }

    /// libfuse 3.17 and later. It starts `/bin/mount` for each export, whatever the search path is.
    private static let librariesThatStartMount = (4...9).map { "libfuse3.so.\($0)" }

    /// Blocking.
    private func libraryFolders() throws -> [String] {
        [root + "/usr/lib"] + (try SystemCall.names(in: root + "/usr/lib")).map { "\(root)/usr/lib/\($0)" }
    }

    private func exists(_ path: String) async throws -> Bool {
        try await kernel.run("look for \(path)", to: "look for \(path)") { [root] in SystemCall.exists(root + path) }
    }
}
