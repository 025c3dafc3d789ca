/// Why a test's surroundings are not what the test needs, as a sentence for the person who ran it.
public struct RigFailure: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ sentence: String) {
        description = sentence
    }
}
