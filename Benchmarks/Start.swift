import Rig

/// From the start of the process until the socket answers, against the start of a program that does nothing.
struct Start {
    let bench: Bench

    func measure(_ report: inout Report) async throws {
        var empty = Samples()
        var version = Samples()
        var socket = Samples()
        let program = try PluginProcess.executable()
        for round in 0...bench.repetitions {
            var once = (Samples(), Samples(), Samples())
            try await once.0.time { try await runTool("true", []).checked() }
            try await once.1.time { try await runTool(program, ["--version"]).checked() }
            try await once.2.time {
                try await bench.plugin.start()
                try await bench.plugin.client.capabilities().checked()
            }
            if round < bench.repetitions { try await bench.plugin.terminate() }
            guard round > 0 else { continue }
            empty.merge(once.0)
            version.merge(once.1)
            socket.merge(once.2)
        }
        report.add("rbd-plugin --version", version, against: "true", empty.median)
        report.add("start until the socket answers", socket, against: "rbd-plugin --version", version.median, goal: 5)
    }
}
