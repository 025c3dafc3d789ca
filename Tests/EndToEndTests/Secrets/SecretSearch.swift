import FoundationEssentials
import Rig
import Synchronization
import Testing

/// Collects all that anybody gets to see, and looks for secrets in it.
final class SecretSearch: Sendable {
    private let needles: [(what: String, text: String)]
    private let texts = Mutex<[(place: String, text: String)]>([])

    init(_ secrets: [SeededSecrets]) { needles = secrets.flatMap(\.needles) }

    func add(_ place: String, _ text: String) { texts.withLock { $0.append((place, text)) } }

    /// The answer to a call, or what there was in place of one.
    func answer(_ place: String, _ call: () async throws -> PluginAnswer) async -> PluginAnswer? {
        do {
            let answer = try await call()
            add("the answer to \(place)", answer.text)
            return answer
        } catch {
            add("what came in place of the answer to \(place)", "\(error)")
            return nil
        }
    }

    /// What of a text must not be there; empty when nothing is.
    func found(in text: String) -> [String] { knownSecrets(in: text) + tokens(in: text) }

    func knownSecrets(in text: String) -> [String] { needles.filter { text.contains($0.text) }.map(\.what) }

    func expectNothing(sourceLocation: SourceLocation = #_sourceLocation) {
        for (place, text) in texts.withLock({ $0 }) {
            #expect(found(in: text).isEmpty, "in \(place): \(text.suffix(2000))", sourceLocation: sourceLocation)
        }
    }

    /// All that was collected, for looking whether there was anything to find a secret in.
    var places: Set<String> { Set(texts.withLock { $0 }.filter { !$0.text.isEmpty }.map(\.place)) }

    /// etcd's tokens are 16 letters, a dot and a number: none is known beforehand.
    private func tokens(in text: String) -> [String] {
        text.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".")) }.contains { word in
            let parts = word.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 2 && parts[0].count == 16 && parts[0].allSatisfy(\.isLetter) && UInt(parts[1]) != nil
        } ? ["a token of etcd"] : []
    }
}
