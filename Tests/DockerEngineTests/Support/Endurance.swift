import Rig
import Testing

/// What happens to a volume's users while the plugin comes and goes.
extension ManagedPlugin {
    /// Starts a container that appends numbered lines to `/data/log`, each of them synced before the next, and notes in
    /// `/tmp/failures` what does not work.
    func writer(on volume: String) async throws -> String {
        let loop = """
            i=0; while true; do i=$((i+1)); \
            { echo $i >>/data/log && sync /data/log && echo $i >/tmp/synced; } 2>>/tmp/failures || sleep 1; \
            usleep 20000; done
            """
        return try await container(on: volume, command: "sh -c '\(loop)'")
    }

    /// Waits until the writer has synced so many lines, and returns how many it has by then.
    func linesWritten(by writer: String, atLeast count: Int) async throws -> Int {
        var lines = 0
        try await eventually("\(writer) to write \(count) lines; it wrote \(lines)", within: engine.patience) {
            lines = Int(try await exec(writer, "cat /tmp/synced 2>/dev/null || echo 0")) ?? 0
            return lines >= count
        }
        return lines
    }

    func failures(of writer: String) async throws -> String {
        try await exec(writer, "cat /tmp/failures")
    }

    /// Whether containers keep their data when the plugin's processes end: with the kernel's driver they do; in user
    /// space it is one of these processes that carries the data.
    func dataPathSurvives(_ volume: String) async throws -> Bool {
        try await mountRecord(of: volume)?["mapper"]?.string == "krbd"
    }

    /// The plugin's processes in its host's numbers; more than the program itself, while tools run or export images.
    var processes: [Int32] {
        get async throws { try await engine.processes(ofPlugin: try await id) }
    }

    /// Runs a command on a volume whose data path may have ended with the plugin. Ceph takes half a minute to be sure that
    /// a client has ended, and until then the volume is refused, with that client's address.
    func runOnceFree(_ command: String, on volume: String) async throws -> String {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do {
                return try await run(command, on: volume)
            } catch let failure as RigFailure {
                guard failure.description.contains("Ceph drops a dead client"), ContinuousClock.now < deadline else {
                    throw failure
                }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// SIGKILL for the program.
    ///
    /// - Returns: the processes that were killed.
    func kill() async throws -> [Int32] {
        let processes = try await processes
        guard !processes.isEmpty else { throw RigFailure("the plugin \(name) does not run") }
        try await engine.kill(processes)
        return processes
    }

    /// Removes a volume of which Docker was never able to say that its container is gone. The image may be watched by
    /// the process that carried the data, for as long as Ceph waits for the dead.
    func removeStranded(_ volume: String) async throws {
        try await engine.removeWhenPossible(volume, within: .seconds(120))
        #expect(try await holdings(of: volume).isEmpty)
        #expect(try await records().filter { $0.contains(volume) }.isEmpty)
    }

    /// Waits until the plugin has looked after what was just mounted, which it does every two seconds: from then on the
    /// kernel gives the devices back by itself.
    func settle() async throws { try await Task.sleep(for: .seconds(3)) }

    /// The device that the volume is on now, to be asked about when it is gone.
    func device(of volume: String) async throws -> String {
        guard let device = try await mountRecord(of: volume)?["device"]?.string else {
            throw RigFailure("\(volume) is not mounted")
        }
        return device
    }

    /// The kernel has given the device back, and did not keep it for a process that is gone.
    func expectGivenBack(_ device: String) async throws {
        try await eventually("\(device) to be given back", within: engine.patience) {
            try await engine.isForgotten(device) == false
        }
    }
}
