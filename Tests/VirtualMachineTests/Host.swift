import Rig

/// One of the virtual machines, with a plugin in it.
struct Host: Sendable {
    /// `NODE_NAME` of its plugin.
    let name: String
    let environment: RigEnvironment

    init(_ name: String, of environment: RigEnvironment) {
        self.name = name
        self.environment = environment
    }

    /// Docker's side of its plugin.
    var client: PluginClient {
        PluginClient(socket: "\(environment.folder)/vm/\(name).sock", within: .seconds(110))
    }

    /// What its plugin has logged, also before it was powered off.
    var log: String { (try? Text.ofFile("\(environment.folder)/log/plugin-\(name).log")) ?? "" }

    // MARK: Power

    /// Stops its processor in the middle of whatever it does, as a hypervisor does.
    func freeze() async throws { try await steer("pause") }
    /// Lets it go on, as if no time had passed.
    func wake() async throws { try await steer("resume") }
    /// Pulls the power cord.
    func powerOff() async throws { try await steer("kill") }
    /// Boots it; returns when it can be spoken to.
    func powerOn() async throws { try await steer("start") }

    /// Nothing of an earlier test is left on it; one that did not let go of everything is switched off and on.
    func makeReady() async throws {
        if try await !isBlank() {
            try await powerOff()
            try await powerOn()
        }
        try await waitForPlugin()
    }

    private func isBlank() async throws -> Bool {
        guard
            let seen = try? await run(
                "ls /sys/bus/rbd/devices 2>/dev/null; /usr/sbin/ip neigh show nud permanent; grep RBD_MAPPER /rig/settings",
                within: .seconds(20)),
            let mappings = try? await userSpaceMappings()
        else { return false }
        return seen == "RBD_MAPPER=krbd" && mappings.isEmpty
    }

    /// Waits until its plugin has found Ceph and etcd.
    func waitForPlugin() async throws {
        try await eventually("the plugin on host \(name) to be healthy", within: .seconds(120)) {
            (try? await client.fetch("/healthz").status) == 200
        }
    }

    private func steer(_ verb: String) async throws {
        let script = "\(environment.scripts)/vm/guest"
        let arguments = [verb, name, environment.folder]
        // Shielded from cancellation: a frozen host would hold up whoever comes next.
        try await Task { _ = try await runTool(script, arguments, within: .seconds(150)).checked() }.value
    }

    // MARK: What is done on it

    /// Runs a shell script on it, and returns what it prints.
    ///
    /// - Throws: ``RigFailure`` when it fails, or does not end in time.
    @discardableResult
    func run(_ script: String, within limit: Duration = .seconds(60)) async throws -> String {
        let tool = "\(environment.scripts)/vm/guest"
        let said = try await runTool(tool, ["run", name, script, environment.folder], within: limit).checked()
        let lines = said.output.lines
        guard lines.last == "status 0" else {
            throw RigFailure("on host \(name), `\(script)` failed: \(said.output) \(said.error)")
        }
        return lines.dropLast().joined(separator: "\n")
    }

    /// Runs the plugin's program on it as an operator does.
    func operate(_ arguments: String, within limit: Duration = .seconds(60)) async throws -> String {
        try await run("set -a; . /rig/settings; NODE_NAME=\"$(hostname)\" rbd-plugin \(arguments)", within: limit)
    }

    /// Starts a shell script on it that goes on until it is ended; what it prints arrives in a file on this machine.
    func start(_ script: String, printingTo file: String) throws -> SpawnedProcess {
        try SpawnedProcess(
            "\(environment.scripts)/vm/guest", ["run", name, script, environment.folder],
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"], log: file)
    }

    /// The devices that its kernel has mapped, by their images.
    func mappedImages() async throws -> [String] {
        try await run("cat /sys/bus/rbd/devices/*/name 2>/dev/null || true").lines
    }

    /// The files behind its loop devices, and the processes behind its network block devices.
    func userSpaceMappings() async throws -> [String] {
        try await run("cat /sys/block/loop*/loop/backing_file /sys/block/nbd*/pid 2>/dev/null || true").lines
    }

    // MARK: Its network

    enum Server: String {
        case ceph = "10.77.0.2"
        case etcd = "10.77.0.3"
    }

    /// Whatever it sends to that server from now on gets lost without a word: it goes to a card that nobody has.
    func cut(from server: Server) async throws {
        try await run("/usr/sbin/ip neigh replace \(server.rawValue) lladdr 02:00:00:00:00:99 dev eth0 nud permanent")
    }

    func reconnect(to server: Server) async throws {
        try await run("/usr/sbin/ip neigh del \(server.rawValue) dev eth0")
    }
}
