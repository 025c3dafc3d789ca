import FoundationEssentials
import Glibc
import Rig
import SystemPackage
import Testing

/// What the program needs of a host's privileges, and what it lets nobody see.
@Suite("Privileges")
struct PrivilegeTests {
    /// The service that the Debian package brings, as systemd reads it.
    private struct Unit {
        let service: [(key: String, value: String)]

        init() throws {
            let folder = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
            let lines = try text(of: "/\(folder)/packaging/deb/rbd-plugin.service").split(separator: "\n")
            let first = try #require(lines.firstIndex(of: "[Service]"))
            service = lines[(first + 1)...].prefix { !$0.hasPrefix("[") }.filter { !$0.hasPrefix("#") }.map { line in
                let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return (parts[0], parts.count > 1 ? parts[1] : "")
            }
        }

        func values(_ key: String) -> [String] {
            service.filter { $0.key == key }.flatMap { $0.value.split(separator: " ").map(String.init) }
        }
    }

    /// A program that starts the plugin with these capabilities at most, and none that it could win.
    private func limited(to capabilities: [String]) -> [String] {
        let names = capabilities.map { "+" + $0.dropFirst("CAP_".count).lowercased() }
        return [
            "/bin/sh", "-c", "umask 0077; exec \"$@\"", "sh", "/usr/bin/setpriv", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=" + (["-all"] + names).joined(separator: ","),
        ]
    }

    /// What this machine has of them: some virtual machines lack one.
    private func present(_ capabilities: [String]) throws -> [String] {
        let status = try text(of: "/proc/self/status").split(separator: "\n")
        let line = try #require(status.first { $0.hasPrefix("CapBnd:") })
        let set = try #require(UInt64(line.dropFirst("CapBnd:".count).drop { !$0.isHexDigit }, radix: 16))
        return try capabilities.filter { set & (1 << (try #require(Self.numbers[$0], "\($0)"))) != 0 }
    }

    /// As in capabilities(7)'s header.
    private static let numbers: [String: UInt64] = [
        "CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_FOWNER": 3, "CAP_FSETID": 4, "CAP_KILL": 5, "CAP_SYS_MODULE": 16,
        "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_SYS_RESOURCE": 24,
    ]

    @Test(
        "E15: the package's unit is ready with the socket, leaves no core, and gives up what the plugin does not need")
    func e15Unit() throws {
        let unit = try Unit()
        for (key, value) in [
            ("Type", "notify"), ("LimitCORE", "0"), ("NoNewPrivileges", "yes"), ("RestrictNamespaces", "mnt"),
            ("RestrictRealtime", "yes"), ("LockPersonality", "yes"), ("SystemCallArchitectures", "native"),
            ("UMask", "0077"), ("PrivateMounts", "no"), ("KillMode", "process"), ("OOMScoreAdjust", "-500"),
        ] {
            #expect(unit.values(key) == [value], "\(key)")
        }
        #expect(unit.values("RestrictAddressFamilies").sorted() == ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_UNIX"])
        #expect(unit.values("CapabilityBoundingSet").contains("CAP_SYS_ADMIN"))
        #expect(unit.values("CapabilityBoundingSet").allSatisfy { Self.numbers[$0] != nil })
        // Any of these gives the service mounts of its own, and containers would not see its volumes.
        let apart = ["PrivateTmp", "PrivateDevices", "ProtectSystem", "ProtectHome", "ProtectProc", "ReadOnlyPaths"]
        #expect(unit.service.allSatisfy { !apart.contains($0.key) && !$0.key.hasPrefix("ProtectKernel") })
    }

    @Test(
        "E15: with the unit's privileges a volume of every filesystem is made, owned, used and removed",
        arguments: [("ext4", "64"), ("xfs", "300"), ("btrfs", "256")])
    func e15UnitsPrivileges(filesystem: String, size: String) async throws {
        let capabilities = try present(try Unit().values("CapabilityBoundingSet"))
        try await Stage.with(started: false) { stage in
            try await stage.plugin.start(by: limited(to: capabilities))
            let options = ["fstype": filesystem, "size": size, "uid": "70", "gid": "71", "mode": "2750"]
            let name = try await stage.volume("narrow", options)
            for id in ["a", "b"] {
                let mountpoint = try await stage.client.mount(name, id: id).checked().mountpoint
                #expect(try await stat(mountpoint, "%u %g %a") == "70 71 2750")
                try write(id, to: mountpoint + "/\(id)")
                try await stage.client.unmount(name, id: id).checked()
            }
            try await stage.client.remove(name).checked()
            try await stage.expectBlank()
        }
    }

    @Test("E15: the kernel writes no core of the plugin, and nobody without CAP_SYS_PTRACE sees into it")
    func e15NoCore() async throws {
        // One that has more than who looks is protected by that alone.
        let capabilities = try present(try Unit().values("CapabilityBoundingSet")).filter { $0 != "CAP_SYS_PTRACE" }
        try await Stage.with(started: false) { stage in
            try await stage.plugin.start(by: limited(to: capabilities))
            let pid = try #require(stage.plugin.pid)
            let limits = try text(of: "/proc/\(pid)/limits").split(separator: "\n")
            let core = try #require(limits.first { $0.hasPrefix("Max core file size") })
            #expect(core.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"], "\(core)")
            let look = try await runTool(
                "/usr/bin/setpriv",
                ["--inh-caps=-all", "--bounding-set=-sys_ptrace", "readlink", "/proc/\(pid)/fd/0"])
            #expect(!look.succeeded, "a process that can be dumped can be looked into")
        }
    }

    @Test(
        "E13: no thread or tool of the plugin wins privileges, and mkfs and e2fsck run without capabilities",
        arguments: [("ext4", "64"), ("xfs", "300"), ("btrfs", "256")])
    func e13ToolsPrivileges(filesystem: String, size: String) async throws {
        let folder = try ScratchFolder("spy", of: .required())
        let powerless = ["mkfs.\(filesystem)", "e2fsck"]
        for tool in powerless + ["losetup"] {
            let script = """
                #!/bin/sh
                grep -E '^(NoNewPrivs|Cap(Inh|Prm|Eff|Amb)):' /proc/$$/status >>\(folder.path)/\(tool).status
                exec \(try await runTool("sh", ["-c", "command -v \(tool)"]).checked().output.filter { $0 != "\n" }) "$@"

                """
            try write(script, to: "\(folder.path)/\(tool)")
            try await runTool("chmod", ["755", "\(folder.path)/\(tool)"]).checked()
        }
        let path = "\(folder.path):/usr/sbin:/usr/bin:/sbin:/bin"
        try await Stage.with(settings: ["PATH": path, "RBD_MAPPER": "fuse"]) { stage in
            let pid = try #require(stage.plugin.pid)
            for thread in names(in: "/proc/\(pid)/task") {
                guard let status = try? text(of: "/proc/\(pid)/task/\(thread)/status") else { continue }
                #expect(status.contains("\nNoNewPrivs:\t1\n"), "\(status.prefix(40))")
            }
            // Without checksums, e2fsck is started before every mount.
            let words = filesystem == "ext4" ? ["mkfs-options": "-O ^metadata_csum"] : [:]
            let name = try await stage.volume(
                "powerless", ["fstype": filesystem, "size": size].merging(words) { $1 })
            try await stage.client.mount(name, id: "a").checked()
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.remove(name).checked()
        }
        for tool in powerless where tool != "e2fsck" || filesystem == "ext4" {
            let lines = try text(of: "\(folder.path)/\(tool).status").split(separator: "\n")
            #expect(lines.count >= 5)
            for line in lines {
                let wanted = line.hasPrefix("NoNewPrivs") ? "NoNewPrivs:\t1" : "\(line.prefix(6)):\t0000000000000000"
                #expect(line == wanted, "of \(tool)")
            }
        }
        #expect(try text(of: "\(folder.path)/losetup.status").contains("NoNewPrivs:\t1\n"))
        try await folder.sweep()
    }

    @Test("E14: the key is on disk only while the plugin, or an operator's command, runs")
    func e14KeyGoes() async throws {
        let rig = try RigEnvironment.required()
        let settings: [String: String?] = [
            "CEPH_CONF": nil, "RBD_CONF_GLOBAL_MON_HOST": rig.monHost, "RBD_CONF_GLOBAL_FSID": rig.fsid,
            "RBD_CONF_KEYRING_KEY_FILE": rig.cephKeyFile, "RBD_CONF_GLOBAL_AUTH_CLIENT_REQUIRED": "cephx",
        ]
        try await Stage.with(settings: settings) { stage in
            let (plugin, name) = (stage.plugin, try await stage.volume("secret"))
            let mountpoint = try await stage.client.mount(name, id: "a").checked().mountpoint
            let variables = plugin.settings.variables(for: rig, stateFolder: plugin.stateFolder)
            try await runTool(PluginProcess.executable(), ["volume", "ls"], settings: variables.mapValues { $0 })
                .checked()
            #expect(names(in: "\(plugin.stateFolder)/ceph-operator").isEmpty)
            #expect(names(in: "\(plugin.stateFolder)/ceph").contains { $0.contains("keyring") })
            #expect(try await plugin.terminate() == .exited(0))
            #expect(names(in: "\(plugin.stateFolder)/ceph").isEmpty)
            try write("used", to: mountpoint + "/file")
            try await plugin.start()
            try await stage.client.unmount(name, id: "a").checked()
            try await stage.client.mount(name, id: "b").checked()
            #expect(try text(of: mountpoint + "/file") == "used")
            try await stage.client.unmount(name, id: "b").checked()
        }
    }

    @Test("E15: systemd is told when the socket is there, and when the plugin is about to end", arguments: ["", "@"])
    func e15Notify(kind: String) async throws {
        let scratch = try ScratchFolder("n", of: .required())
        let name = kind + scratch.path + "/notify"
        let listener = try NotifySocket(name)
        try await Stage.with(settings: ["NOTIFY_SOCKET": name], started: false) { stage in
            try await stage.plugin.start()
            var told: [String] = []
            try await eventually("systemd to be told") {
                told += listener.read()
                return !told.isEmpty
            }
            #expect(told == ["READY=1"])
            #expect(try await stage.plugin.terminate() == .exited(0))
            #expect(listener.read() == ["STOPPING=1"])
        }
        try await scratch.sweep()
    }

    @Test("E15: a plugin that is asked to end the moment it is ready ends in good order")
    func e15EndAtOnce() async throws {
        let scratch = try ScratchFolder("n", of: .required())
        let name = scratch.path + "/notify"
        let listener = try NotifySocket(name)
        try await Stage.with(settings: ["NOTIFY_SOCKET": name], started: false) { stage in
            for attempt in 1...10 {
                try await stage.plugin.start(awaitingSocket: false)
                try listener.wait()
                let ending = try await stage.plugin.terminate()
                #expect(ending == .exited(0), "attempt \(attempt)")
                #expect(listener.read() == ["READY=1", "STOPPING=1"])
            }
        }
        try await scratch.sweep()
    }
}

/// systemd's end of NOTIFY_SOCKET.
private final class NotifySocket: Sendable {
    private let descriptor: CInt

    init(_ name: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.copyBytes(from: name.utf8)
            if name.hasPrefix("@") { path[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count)
        let bound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0 else { throw RigFailure("cannot bind \(name): \(errno)") }
    }

    deinit { close(descriptor) }

    /// Returns at the very moment a message is there.
    func wait() throws {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, 30_000) == 1 else { throw RigFailure("no message came within 30 s") }
    }

    /// The messages that have come.
    func read() -> [String] {
        var messages: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 {
            messages.append(String(decoding: buffer[..<count], as: UTF8.self))
        }
        return messages
    }
}
