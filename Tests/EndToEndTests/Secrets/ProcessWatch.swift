import Rig
import Synchronization

/// Looks at the arguments and the environment of every process of this machine, again and again.
final class ProcessWatch: Sendable {
    private let task: Task<Void, Never>
    private let seen: Sightings

    private final class Sightings: Sendable {
        let secrets = Mutex<Set<String>>([])
        let programs = Mutex<Set<String>>([])
    }

    /// - Parameter spared: a program that is given the secrets in its environment.
    init(_ search: SecretSearch, sparing spared: String?) {
        let seen = Sightings()
        self.seen = seen
        task = Task.detached {
            while !Task.isCancelled {
                for pid in names(in: "/proc").compactMap(Int32.init) { Self.look(at: pid, search, spared, seen) }
                try? await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    /// - Returns: where secrets were seen, and the names of all programs that were looked at.
    func end() async -> (secrets: Set<String>, programs: Set<String>) {
        task.cancel()
        await task.value
        return (seen.secrets.withLock { $0 }, seen.programs.withLock { $0 })
    }

    private static func look(at pid: Int32, _ search: SecretSearch, _ spared: String?, _ seen: Sightings) {
        let arguments = kernelFile("/proc/\(pid)/cmdline") ?? []
        let environment = kernelFile("/proc/\(pid)/environ") ?? []
        // A process that was just becoming another program has the one's arguments and the other's environment.
        guard !arguments.isEmpty, kernelFile("/proc/\(pid)/cmdline") == arguments else { return }
        let path = String(decoding: arguments.prefix { $0 != 0 }, as: UTF8.self)
        let program = path.split(separator: "/").last.map(String.init) ?? path
        _ = seen.programs.withLock { $0.insert(program) }
        note(search, "the arguments of \(program)", arguments, seen)
        if program != spared { note(search, "the environment of \(program)", environment, seen) }
    }

    private static func note(_ search: SecretSearch, _ place: String, _ bytes: [UInt8], _ seen: Sightings) {
        let found = search.knownSecrets(in: String(decoding: bytes, as: UTF8.self))
        guard !found.isEmpty else { return }
        _ = seen.secrets.withLock { $0.insert("\(found.joined(separator: ", ")) in \(place)") }
    }
}
