import FoundationEssentials
import UntrustedJSON
import VolumeCore

/// Policies, and settings of all nodes, as people write and read them: JSON.
public enum PolicyText {
    /// Bytes. A policy is a page of text; every node keeps all of them in memory.
    public static let largest = 64 << 10

    /// More levels than any policy has.
    private static let deepest = 16

    /// - Throws: `VolumeError` with code `invalidOption` for what is no policy.
    public static func read(_ text: [UInt8]) throws(VolumeError) -> PolicyReading { try decode(text, "use the policy") }

    /// Settings of all nodes, which are a page of text as well.
    /// - Throws: `VolumeError` with code `invalidOption` for what are none.
    public static func readGlobal(_ text: [UInt8]) throws(VolumeError) -> GlobalReading {
        try decode(text, "use the settings")
    }

    private static func decode<Reading: Decodable>(_ text: [UInt8], _ what: String) throws(VolumeError) -> Reading {
        func refusal(_ why: String) -> VolumeError { VolumeError(.invalidOption, what, why: why, outcome: .refused) }
        guard text.count <= largest else {
            throw refusal("the text has more than \(largest >> 10) KiB: a page is enough")
        }
        do {
            return try UntrustedJSON.decode(Reading.self, from: text, deepest: deepest)
        } catch let error as VolumeError {
            throw error
        } catch let error as UntrustedJSON.TooDeep {
            throw refusal("\(error)")
        } catch {
            throw refusal("it is no JSON\(place(error))")
        }
    }

    /// In lines, with the keys in order.
    public static func write(_ policy: Policy) throws(VolumeError) -> String { try lines(PolicyDocument(policy)) }

    public static func write(_ settings: GlobalSettings) throws(VolumeError) -> String {
        try lines(GlobalDocument(settings))
    }

    private static func lines(_ document: some Encodable) throws(VolumeError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(document), as: UTF8.self)
        } catch {
            throw VolumeError.defect("write a page of text", "\(error)")
        }
    }

    private static func place(_ error: any Error) -> String {
        guard case .dataCorrupted(let context) = error as? DecodingError, let cause = context.underlyingError else {
            return ""
        }
        return " (\(cause))"
    }
}
