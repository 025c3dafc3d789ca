import FoundationEssentials
import Rig
import Testing

/// Everything that a plugin can leave behind, as one set of sentences: two of them can be compared, and the difference
/// read.
struct Surroundings: Equatable, Sendable {
    let facts: Set<String>

    /// What is here and was not there, and the other way round; empty when nothing has changed.
    func changes(since before: Surroundings) -> String {
        let new = facts.subtracting(before.facts).sorted().map { "+ \($0)" }
        let gone = before.facts.subtracting(facts).sorted().map { "- \($0)" }
        return (new + gone).joined(separator: "\n")
    }
}

extension Stage {
    enum Records {
        /// Whether they exist: a failed Mount may have counted the volume's epoch up.
        case byKey
        /// And every byte of them.
        case byContent
    }

    /// Looks at Ceph, etcd, the kernel, the plugin's folders and its child processes.
    func surroundings(records: Records = .byContent) async throws -> Surroundings {
        var facts = try await cephFacts()
        facts.formUnion(try await recordFacts(records))
        facts.formUnion(kernelFacts(of: plugin))
        return Surroundings(facts: facts)
    }

    /// What there is on a stage on which nothing was ever created.
    func expectBlank(_ occasion: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let left = try await settledChanges(since: Surroundings(facts: []))
        if !left.isEmpty { print("The plugin's log ends with:\n\(plugin.log.suffix(8000))") }
        #expect(left.isEmpty, occasion, sourceLocation: sourceLocation)
    }

    /// Nothing is there that was not there before, and nothing is gone.
    func expectUnchanged(
        since before: Surroundings, records: Records = .byContent, after occasion: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let changes = try await settledChanges(since: before, records: records)
        #expect(changes.isEmpty, "after \(occasion)", sourceLocation: sourceLocation)
    }

    /// What has changed, once what the plugin does in the background has had its time: deleting the data of removed volumes,
    /// and starting the programs that wait for something to ask the kernel. Removed images go one after the other, and one
    /// that a plugin was deleting when an earlier test killed it makes the others wait for half a minute.
    private func settledChanges(since before: Surroundings, records: Records = .byContent) async throws -> String {
        var changes = ""
        for attempt in 0..<180 {
            if attempt > 0 { try await Task.sleep(for: .milliseconds(500)) }
            changes = try await surroundings(records: records).changes(since: before)
            if changes.isEmpty { break }
        }
        return changes
    }

    /// The same, for what is undone after the call was answered, or once a watcher of a killed process has run out.
    func waitUntilUnchanged(
        since before: Surroundings, records: Records = .byContent, after occasion: String,
        within limit: Duration = .seconds(60)
    ) async throws {
        var changes = ""
        let deadline = ContinuousClock.now + limit
        let ghosts = GhostWatches(ceph)
        repeat {
            changes = try await surroundings(records: records).changes(since: before)
            if changes.isEmpty { return }
            try await ghosts.exorcise()
            try await Task.sleep(for: .milliseconds(200))
        } while ContinuousClock.now < deadline
        throw RigFailure("after \(occasion), this is left \(limit) later:\n\(changes)")
    }

    /// Headers too: an image in the trash, or half removed, has no name any more.
    private func cephFacts() async throws -> Set<String> {
        let objects = try await ceph.rados("--pool", pool, "--namespace", namespace, "ls")
        let telling = ["rbd_id.", "rbd_header."]
        let found = objects.split(separator: "\n").filter { object in telling.contains { object.hasPrefix($0) } }
        return Set(found.map { "object \($0)" })
    }

    private func recordFacts(_ records: Records) async throws -> Set<String> {
        let printed = try await etcd.etcdctl("get", "--prefix", prefix)
        let lines = printed.split(separator: "\n").map(String.init)
        var facts: Set<String> = []
        for (key, value) in zip(lines, lines.dropFirst()) where key.hasPrefix(prefix) {
            let short = key.dropFirst(prefix.count)
            // That the plugin's node is alive is no leftover, and the past is none.
            if short.hasPrefix("nodes/") || short.hasPrefix(".history/") || short == "cluster" { continue }
            facts.insert("record \(short)" + (records == .byContent ? ": \(value)" : ""))
        }
        return facts
    }

    private func kernelFacts(of plugin: PluginProcess) -> Set<String> {
        let kernel = plugin.kernelState
        var facts = Set(kernel.mounts.map { "mount \($0)" })
        facts.formUnion(kernel.loopDevices.map { "loop device \($0.device) on \($0.backingFile)" })
        facts.formUnion(kernel.exports.map { "export \($0.arguments.joined(separator: " ")), pid \($0.pid)" })
        facts.formUnion(names(in: plugin.mountRoot).map { "folder \($0) in the mount root" })
        facts.formUnion(names(in: plugin.stateFolder + "/fuse").map { "mapping folder \($0)" })
        if let pid = plugin.pid { facts.formUnion(Children(of: pid).names.map { "child process \($0)" }) }
        return facts
    }
}

/// The child processes of the plugin, by name and pid, but for the four that wait for something to ask the kernel.
struct Children {
    let names: [String]

    init(of parent: Int32) {
        // The kernel keeps the first 15 characters.
        let all = Self.all(of: parent)
        let waiting = all.filter { $0.hasPrefix("rbd-plugin-kern ") }
        names = all.filter { !waiting.contains($0) } + waiting.dropFirst(4)
    }

    private static func all(of parent: Int32) -> [String] {
        EndToEndTests.names(in: "/proc").compactMap(Int32.init).compactMap { pid in
            guard let content = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
            let line = String(decoding: content, as: UTF8.self)
            // The name before the bracket may hold blanks and brackets.
            guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")") else { return nil }
            let fields = line[line.index(after: close)...].split(separator: " ")
            guard fields.count > 1, Int32(fields[1]) == parent else { return nil }
            return "\(line[line.index(after: open)..<close]) (pid \(pid))"
        }
    }
}
