import FoundationEssentials
import Rig

/// The engine of a virtual machine that is a host as people have them: Debian's Docker under systemd, with live-restore,
/// and the kernel's rbd driver. The docker command runs on this machine, all else there.
final class GuestEngine: Engine {
    let environment: RigEnvironment
    let scratch: ScratchFolder

    init(_ environment: RigEnvironment) throws {
        self.environment = environment
        scratch = try ScratchFolder("g", of: environment)
    }

    var host: String { "unix://\(environment.folder)/vm/docker.sock" }
    var log: String { (try? text(of: "\(environment.folder)/log/plugin-docker.log")) ?? "" }
    var patience: Duration { .seconds(180) }
    var sources: [String] { ["modules.source=/lib/modules"] }

    /// An emulated processor is some thirty times slower than a real one.
    var settings: [String] { ["OPERATION_TIMEOUT=100s", "CEPH_TIMEOUT=25s", "ETCD_TIMEOUT=7s"] }

    /// Runs a shell script on the host, and returns what it prints.
    ///
    /// - Throws: ``RigFailure`` when it fails, or does not end in time.
    @discardableResult
    func script(_ script: String, within limit: Duration = .seconds(120)) async throws -> String {
        let said = try await runTool(
            "\(environment.scripts)/vm/guest", ["run", "docker", script, environment.folder], within: limit)
        var lines = try said.checked().output.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        guard lines.popLast() == "status 0" else {
            throw RigFailure("in the virtual machine, `\(script)` failed: \(said.output) \(said.error)")
        }
        return lines.joined(separator: "\n")
    }

    private func lines(_ command: String) async throws -> [String] {
        try await script(command).split(separator: "\n").map(String.init)
    }

    // MARK: Its bad days

    func crash() async throws {
        try await script("systemctl kill --kill-who=main --signal=KILL docker")
    }

    /// systemd starts it again by itself.
    func startAgain() async throws {
        try await waitForDocker()
    }

    /// Pulls its power cord, and puts it in again.
    func reset() async throws {
        for verb in ["kill", "start"] {
            try await runTool(
                "\(environment.scripts)/vm/guest", [verb, "docker", environment.folder], within: .seconds(300)
            ).checked()
        }
        try await waitForDocker()
    }

    func waitForDocker() async throws {
        try await eventually(
            "the virtual machine's dockerd to answer; its log ends with:\n\(log.suffix(2000))", within: .seconds(180)
        ) {
            let answer = try await run(["version", "--format", "{{.Server.Version}}"])
            return answer.succeeded
        }
    }

    // MARK: Its kernel

    func mappings(of volume: String) async throws -> [String] {
        try await lines("cd /sys/bus/rbd/devices 2>/dev/null && grep -slx \(volume) */name || true").map {
            "mapped as \($0)"
        }
    }

    func mounts(of volume: String) async throws -> [String] {
        try await lines("grep '/propagated-mount/\(volume) ' /proc/mounts | cut -d ' ' -f 1 | sort -u").map {
            "mount of \($0)"
        }
    }

    func processes(ofPlugin id: String) async throws -> [Int32] {
        let find = """
            for file in $(grep -ls \(id) /proc/[0-9]*/cgroup); do
                case "$(readlink ${file%cgroup}exe)" in */rbd-plugin) echo $file | cut -d / -f 3 ;; esac
            done
            """
        return try await lines(find).compactMap { Int32($0) }
    }

    func kernelText(_ path: String) async throws -> String { try await script("cat \(path)") }

    func kill(_ processes: [Int32]) async throws {
        try await script("kill -9 \(processes.map(String.init).joined(separator: " "))")
    }

    func isForgotten(_ device: String) async throws -> Bool {
        try await script("[ ! -e /sys/bus/rbd/devices/\(device.dropFirst("/dev/rbd".count)) ]; echo $?") == "1"
    }
}
