import FoundationEssentials
import Rig
import Synchronization
import SystemPackage
import Testing

/// What a container's life asks of the plugin, again and again, for one volume: created, mounted, written, verified,
/// unmounted, mounted again, and now and then removed.
///
/// Like Docker's, its calls are made again when the plugin is gone in the midst of them. What it was told is done has to
/// be so: every write whose fsync(2) returned is looked for from then on.
struct MixedLoad {
    let stage: Stage
    let name: String
    private let end: EndOfKills
    private let ghosts: GhostWatches
    private var random: SeededGenerator
    /// What was written and acknowledged, by file.
    private var acknowledged: [String: [UInt8]] = [:]
    private(set) var rounds = 0
    private(set) var writes = 0
    private(set) var repeatedCalls = 0

    init(on stage: Stage, seed: UInt64, number: Int, until end: EndOfKills, _ ghosts: GhostWatches) {
        self.stage = stage
        self.end = end
        self.ghosts = ghosts
        name = uniqueName("load\(number)")
        random = SeededGenerator(state: seed &+ UInt64(number))
    }

    private var mountpoint: String { "\(stage.plugin.mountRoot)/\(name)" }

    /// Goes on until the killing is over; leaves the volume created and mounted nowhere.
    mutating func run() async throws {
        try await create()
        while end.time == nil {
            try await mountedRound()
            if Int.random(in: 0..<8, using: &random) == 0 { try await replace() }
            rounds += 1
        }
    }

    /// Every acknowledged write is there, and nothing else; the filesystem is sound.
    mutating func verifyAtTheEnd() async throws {
        try await repeating("Mount") { try await $0.mount($1, id: "end") }
        try expectAcknowledged("at the end")
        try await repeating("Unmount") { try await $0.unmount($1, id: "end") }
        try await stage.expectSoundFilesystem(name, after: "a mixed load and many kills")
    }

    private mutating func create() async throws {
        let options = stage.options(["size": "16"])
        try await repeating("Create") { try await $0.create($1, options: options) }
    }

    private mutating func mountedRound() async throws {
        let id = uniqueName("id")
        let mounts = try await repeating("Mount") { try await $0.mount($1, id: id) }
        guard stage.plugin.kernelState.mount(at: mountpoint) != nil else {
            throw RigFailure("Mount of \(name) succeeded, and nothing is mounted")
        }
        try expectAcknowledged("after a Mount")
        for _ in 0..<Int.random(in: 1...3, using: &random) { try writeSomething() }
        // Each Mount that was cut off may have counted.
        for _ in 0..<mounts { try await repeating("Unmount") { try await $0.unmount($1, id: id) } }
        guard stage.plugin.kernelState.mount(at: mountpoint) == nil, try await stage.mountRecord(of: name) == nil else {
            throw RigFailure("Unmount of \(name) succeeded, and it is still mounted, or recorded as such")
        }
    }

    private mutating func replace() async throws {
        try await repeating("Remove", orRefused: "no such volume") { try await $0.remove($1) }
        acknowledged = [:]
        try await create()
    }

    private mutating func writeSomething() throws {
        let file = "file\(Int.random(in: 0..<6, using: &random))"
        let byte = UInt8.random(in: .min ... .max, using: &random)
        let bytes = [UInt8](repeating: byte, count: Int.random(in: 1...200_000, using: &random))
        // A write that is cut off by the death of nobody's but the plugin's process never happens: it is not in its path.
        let descriptor = try FileDescriptor.open(
            FilePath("\(mountpoint)/\(file)"), .writeOnly, options: [.create, .truncate, .closeOnExec],
            permissions: .ownerReadWrite)
        try descriptor.closeAfter {
            try descriptor.writeAll(bytes)
            try synchronize(descriptor)
        }
        acknowledged[file] = bytes
        writes += 1
    }

    private func expectAcknowledged(_ occasion: String) throws {
        let found = names(in: mountpoint).filter { $0 != "lost+found" }
        guard found == acknowledged.keys.sorted() else {
            throw RigFailure("\(name), \(occasion), holds \(found) instead of \(acknowledged.keys.sorted())")
        }
        for (file, bytes) in acknowledged where try read("\(mountpoint)/\(file)") != bytes {
            throw RigFailure("\(name)/\(file), \(occasion), is not what was written")
        }
    }

    /// Makes a call until it is answered with success. A plugin that is gone is waited for. An error is made up for by
    /// trying again, as Docker and people do: a watcher or a lock of the killed plugin counts for half a minute. While the
    /// plugin is being killed all the time, that may take any time.
    ///
    /// - Returns: how often it was made.
    @discardableResult
    private mutating func repeating(
        _ verb: String, orRefused refusal: String? = nil,
        _ call: (PluginClient, String) async throws -> PluginAnswer
    ) async throws -> Int {
        var (attempts, said) = (0, "nothing")
        let began = ContinuousClock.now
        while true {
            attempts += 1
            do {
                let answer = try await call(stage.client, name)
                if answer.succeeded { return attempts }
                if let refusal, answer.error.contains(refusal) { return attempts }
                said = answer.error
            } catch let failure as ConnectionFailure {
                guard failure != .deadlinePassed else {
                    throw RigFailure("\(verb) of \(name) was not answered in time")
                }
                said = "\(failure)"
            }
            repeatedCalls += 1
            let patience = end.time.map { max($0, began).duration(to: .now) } ?? .zero
            if patience > .seconds(60) { try await ghosts.exorcise() }
            guard patience < .seconds(180) else {
                throw RigFailure("\(verb) of \(name) did not succeed in \(patience) of peace; the last answer: \(said)")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// When the killing was over.
final class EndOfKills: Sendable {
    private let state = Mutex<ContinuousClock.Instant?>(nil)

    var time: ContinuousClock.Instant? { state.withLock { $0 } }
    func hasCome() { state.withLock { $0 = .now } }
}
