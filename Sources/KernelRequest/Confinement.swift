/// How little a program gets that `rbd-plugin-kernel` becomes: the words before that program's own.
public struct Confinement: Sendable, Hashable {
    /// Whether it is kept from seeing what is mounted from loop devices.
    public var isApart: Bool
    /// The capabilities that it keeps at most, as bits (capabilities(7)); `nil` for all that its starter has.
    public var capabilities: UInt64?

    public init(isApart: Bool = false, capabilities: UInt64? = nil) {
        self.isApart = isApart
        self.capabilities = capabilities
    }

    private static let apart = "apart"
    private static let keeping = "keeping="

    /// Empty when the program gets all there is.
    public var words: [String] {
        (isApart ? [Self.apart] : []) + (capabilities.map { [Self.keeping + String($0, radix: 16)] } ?? [])
    }

    /// Takes its own words off the beginning, and leaves the program, which is a path, with its arguments.
    /// - Returns: `nil` when there are none, or words that it does not know.
    public init?(takingFrom words: inout ArraySlice<String>) {
        self.init()
        let count = words.count
        while let word = words.first, !word.hasPrefix("/") {
            if word == Self.apart {
                isApart = true
            } else if word.hasPrefix(Self.keeping), let mask = UInt64(word.dropFirst(Self.keeping.count), radix: 16) {
                capabilities = mask
            } else {
                return nil
            }
            words.removeFirst()
        }
        guard words.count < count, !words.isEmpty else { return nil }
    }
}
