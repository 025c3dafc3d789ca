import Rig
import Testing

/// What must be so with every engine and every kernel, on days that are not good ones.
extension ManagedPlugin {
    /// dockerd is killed and comes back while its containers go on: it must have been started with live-restore.
    func staysThroughDaemonsDeath() async throws {
        let volume = try await volume("live")
        let writer = try await writer(on: volume)
        let before = try await linesWritten(by: writer, atLeast: 3)
        let mapped = try await mappings(of: volume)
        #expect(mapped.count == 1)
        try await engine.crash()
        try await engine.startAgain()
        _ = try await linesWritten(by: writer, atLeast: before + 3)
        #expect(try await failures(of: writer) == "")
        #expect(try await mappings(of: volume) == mapped)
        #expect(try await engine.refusal("volume", "rm", volume).contains("in use"))
        // A second user comes and goes; the first has it still.
        #expect(try await lines(1...before, areIn: volume))
        _ = try await linesWritten(by: writer, atLeast: before + 6)
        try await engine.docker("rm", "--force", writer)
        try await remove(volume)
    }

    /// The plugin's program is killed under a container.
    func comesBackAfterItsOwnDeath() async throws {
        let volume = try await volume("survivor")
        let user = try await container(on: volume)
        try await exec(user, "echo kept >/data/file && sync")
        let device = try await device(of: volume)
        try await settle()
        let killed = try await kill()
        try await eventually("Docker to start the plugin again", within: engine.patience) {
            let processes = try await processes
            return !processes.isEmpty && processes.allSatisfy { !killed.contains($0) }
        }
        try await eventually("the volume to be there again", within: engine.patience) {
            try await engine.run(["volume", "inspect", volume]).succeeded
        }
        #expect(try await engine.refusal("volume", "rm", volume).contains("in use"))
        if try await dataPathSurvives(volume) {
            #expect(try await run("cat /data/file; echo more >>/data/file", on: volume) == "kept")
            #expect(try await mountRecord(of: volume)?["mountIDs"]?.object.count == 1)
            #expect(try await exec(user, "cat /data/file") == "kept\nmore")
            try await engine.docker("rm", "--force", user)
        } else {
            // Its device has died with the plugin's processes. The next container gets what it had synced, and not the dead
            // mount, which the first one still holds.
            #expect(try await runOnceFree("cat /data/file; echo more >>/data/file", on: volume) == "kept")
            try await engine.docker("rm", "--force", user)
            try await eventually("the volume to be let go of") { try await mountRecord(of: volume) == nil }
            #expect(try await run("cat /data/file", on: volume) == "kept\nmore")
        }
        #expect(try await mappings(of: volume).count <= 1)
        try await removeStranded(volume)
        try await expectGivenBack(device)
    }

    /// `docker plugin disable -f`, `upgrade` and `enable` under a container that goes on writing.
    ///
    /// - Parameters:
    ///   - added: settings that the older version does not have.
    ///   - publish: puts a newer version into the registry that it was installed from.
    func upgradesUnderContainer(
        adding added: Set<String>, publishedBy publish: () async throws -> Void
    ) async throws {
        #expect(try await settingNames().isDisjoint(with: added))
        let volume = try await volume("upgraded")
        let writer = try await writer(on: volume)
        let before = try await linesWritten(by: writer, atLeast: 5)
        let (id, device) = (try await id, try await device(of: volume))
        let survives = try await dataPathSurvives(volume)
        try await settle()

        try await publish()
        try await engine.docker("plugin", "disable", "--force", name)
        try await upgrade()
        try await enable()

        #expect(try await self.id == id)
        #expect(try await settingNames().isSuperset(of: added))
        #expect(try await value(of: "ETCD_PREFIX") == prefix)
        #expect(try await value(of: "NODE_TTL") == nil)
        let synced = try await linesWritten(by: writer, atLeast: before)
        #expect(try await engine.refusal("volume", "rm", volume).contains("in use"))
        #expect(try await mappings(of: volume).count <= 1)
        if survives {
            _ = try await linesWritten(by: writer, atLeast: synced + 5)
            #expect(try await failures(of: writer) == "")
        }
        // A new container has the volume, with all that was synced, and can write.
        let found = try await runOnceFree("wc -l </data/log && echo new >/data/new", on: volume)
        #expect(try #require(Int(found)) >= synced)
        #expect(try await mappings(of: volume).count <= 1)

        try await engine.docker("rm", "--force", writer)
        #expect(try await lines(1...synced, and: "new", areIn: volume))
        try await removeStranded(volume)
        try await expectGivenBack(device)
    }

    /// `docker plugin upgrade` of one that is disabled.
    func upgrade() async throws {
        let upgrade = ["plugin", "upgrade", "--grant-all-permissions", name]
        try await engine.run(upgrade, within: engine.patience + engine.patience).checked()
        // Docker keeps the environment; which folders of the host are shown is as config.json has it again.
        try await set(engine.sources)
    }

    /// Whether a writer's log begins with these lines, one by one as they were written.
    ///
    /// - Parameter file: one that must be there too.
    func lines(_ numbers: ClosedRange<Int>, and file: String = "log", areIn volume: String) async throws -> Bool {
        let (first, last) = (numbers.lowerBound, numbers.upperBound)
        let compare =
            "seq \(first) \(last) >/tmp/expected; head -n \(last) /data/log | diff /tmp/expected - && [ -s /data/\(file) ] && echo same"
        return try await run(compare, on: volume) == "same"
    }
}
