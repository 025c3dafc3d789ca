import FoundationEssentials
import UntrustedJSON
import VolumeCore

/// Policies as people write and read them: JSON.
public enum PolicyText {
    /// Bytes. A policy is a page of text; every node keeps all of them in memory.
    public static let largest = 64 << 10

    /// More levels than any policy has.
    private static let deepest = 16

    /// - Throws: `VolumeError` with code `invalidOption` for what is no policy.
    public static func read(_ text: [UInt8]) throws(VolumeError) -> PolicyReading {
        guard text.count <= largest else {
            throw refusal("it has more than \(largest >> 10) KiB: a policy is a page of text")
        }
        do {
            return try UntrustedJSON.decode(PolicyReading.self, from: text, deepest: deepest)
        } catch let error as VolumeError {
            throw error
        } catch let error as UntrustedJSON.TooDeep {
            throw refusal("\(error)")
        } catch {
            throw refusal("it is no JSON\(place(error))")
        }
    }

    /// In lines, with the keys in order.
    public static func write(_ policy: Policy) throws(VolumeError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(PolicyDocument(policy)), as: UTF8.self)
        } catch {
            throw VolumeError.defect("write a policy", "\(error)")
        }
    }

    private static func place(_ error: any Error) -> String {
        guard case .dataCorrupted(let context) = error as? DecodingError, let cause = context.underlyingError else {
            return ""
        }
        return " (\(cause))"
    }

    private static func refusal(_ why: String) -> VolumeError {
        VolumeError(.invalidOption, "use the policy", why: why, outcome: .refused)
    }
}
