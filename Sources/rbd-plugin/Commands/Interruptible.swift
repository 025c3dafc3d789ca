import ArgumentParser
import Glibc
import PluginConfiguration
import Synchronization
import UnixSignals

/// Long work that Ctrl-C ends in good order: what it has begun is taken back first. A second Ctrl-C ends it at once.
enum Interruptible {
    static func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let work = Task { try await body() }
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let wasInterrupted = Atomic(false)
        let listening = Task {
            for await _ in signals {
                if wasInterrupted.exchange(true, ordering: .relaxed) { _exit(ExitStatus.interrupted.rawValue) }
                Output.error("\nInterrupted: taking back what was begun. Once more ends at once.\n")
                work.cancel()
            }
        }
        defer { listening.cancel() }
        do {
            try await work.value
        } catch {
            if wasInterrupted.load(ordering: .relaxed), error is CancellationError {
                throw ExitCode(ExitStatus.interrupted.rawValue)
            }
            throw error
        }
    }
}
