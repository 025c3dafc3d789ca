import FoundationEssentials
import Glibc
import Rig

/// A container that appends records to a volume, each with fsync, and tells the world of each one that is safe.
///
/// It lives in a mount namespace of its own, with a private bind mount of the volume, as Docker's containers do, and
/// holds a file open. When a write fails it says so and goes on trying, as databases do.
final class Writer: Sendable {
    let name: String
    private let host: Host
    private let process: SpawnedProcess
    private let output: String

    /// - Parameter name: one that no other writer of that file has.
    init(_ name: String, on host: Host, mountpoint: String) throws {
        self.name = name
        self.host = host
        output = "\(host.environment.scratch)/\(uniqueName("writer-\(name)"))"
        let script = Self.container(name, mountpoint)
        process = try host.start("exec setsid unshare -m sh -c '\(script)'", printingTo: output)
    }

    private static func container(_ name: String, _ mountpoint: String) -> String {
        """
        mkdir -p /data
        mount --make-rprivate /
        mount --bind \(mountpoint) /data
        exec 3>>/data/records
        echo "pid $$"
        number=1
        while :; do
            digits=$(head -c 60 /dev/urandom | xxd -p -c 60)
            head=$(printf "%-190s" "\(name) $number $digits")
            sum=$(printf "%s" "$head" | sha256sum)
            sum=${sum%% *}
            if printf "%s %s\\n" "$head" "$sum" | dd of=/data/records oflag=append conv=notrunc,fsync 2>/tmp/\(name).error
            then echo "safe $sum"; number=$((number + 1))
            else echo "failed $number: $(tail -n 1 /tmp/\(name).error)"; sleep 1
            fi
        done
        """
    }

    private var lines: [String] { ((try? Text.ofFile(output)) ?? "").lines }

    private func words(after key: String) -> [String] {
        lines.filter { $0.hasPrefix(key + " ") }.map { String($0.dropFirst(key.count + 1)) }
    }

    /// The checksums of the records that it has called safe, in order.
    var safe: [String] { words(after: "safe") }
    /// Its words on each write that failed.
    var failures: [String] { words(after: "failed") }

    /// - Parameter unheard: see ``RecordLog/Acknowledged``.
    func acknowledged(unheard: Int = 0) -> RecordLog.Acknowledged {
        RecordLog.Acknowledged(writer: name, checksums: safe, unheard: unheard)
    }

    /// Waits until it has called that many more records safe.
    func writes(_ count: Int, within limit: Duration = .seconds(90)) async throws {
        let before = safe.count
        try await eventually("\(name) to write \(count) records; it says: \(lines.suffix(3))", within: limit) {
            safe.count >= before + count
        }
    }

    /// Waits until a write fails.
    func fails(within limit: Duration = .seconds(90)) async throws {
        try await eventually("a write of \(name) to fail; it says: \(lines.suffix(3))", within: limit) {
            !failures.isEmpty
        }
    }

    /// Ends it, as `docker kill` does, and waits until it is gone.
    func end() async throws {
        guard let pid = words(after: "pid").first else { throw RigFailure("\(name) never started: \(lines)") }
        try await host.run("kill -9 -\(pid) 2>/dev/null; while kill -0 -\(pid) 2>/dev/null; do sleep 0.2; done")
        try await process.waitForEnd()
    }

    /// Forgets it: its host is gone.
    func abandon() async throws {
        process.signal(SIGKILL)
        try await process.waitForEnd()
    }
}
