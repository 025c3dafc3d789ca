import Rig

/// One thing that Docker relies on in a volume plugin, and how it is found out.
public struct ConformanceCase: Sendable, CustomStringConvertible {
    /// A sentence that is true of a plugin that passes.
    public let sentence: String
    private let body: @Sendable (Subject) async throws -> Void

    init(_ sentence: String, _ body: @escaping @Sendable (Subject) async throws -> Void) {
        self.sentence = sentence
        self.body = body
    }

    public var description: String { sentence }

    /// - Throws: what the plugin did instead. What the case has made in the plugin is removed in any case.
    public func run(on subject: Subject) async throws {
        do {
            try await body(subject)
        } catch {
            await subject.cleanUp()
            throw error
        }
        await subject.cleanUp()
    }

    /// All cases, in the order in which they make sense to a reader.
    public static let all = wire + calls + mounting
}

/// Something that the plugin did and should not have done, as a sentence.
struct Violation: Error, CustomStringConvertible {
    let description: String

    init(_ sentence: String) { description = sentence }
}

func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws {
    if !condition { throw Violation(sentence()) }
}
