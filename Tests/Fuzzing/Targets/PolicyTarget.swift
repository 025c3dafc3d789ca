import EtcdState
import VolumeCore

/// The text of a policy, as an administrator uploads it.
struct PolicyTarget: FuzzTarget {
    let name = "policies"
    let words =
        [
            "create", "runtime", "driver", "backends", "filesystems", "snapshot", "rate-limit", "max-size", "max-total",
            "mkfs.ext4 %",
        ]
        + VolumeOption.allCases.map(\.rawValue) + RuntimeOption.allCases.map(\.rawValue) + OptionChecks.words

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        switch Self.read(input) {
        case .failure(let error):
            try hold(
                error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f },
                "the refusal is not one plain line: \(error.description.debugDescription)")
            try hold(error.outcome == .refused, "a refusal that is none: \(error)")
            return kind(error.why)
        case .success(let reading):
            try hold((try? reading.policy.check()) != nil, "it is accepted, and its record would not be")
            guard let text = try? PolicyText.write(reading.policy),
                case .success(let again) = Self.read(Array(text.utf8)), again.policy == reading.policy
            else { throw Broken("what is written of it reads as another policy") }
            for note in reading.notes {
                try hold(
                    note.description.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f },
                    "a note is not one plain line: \(note.description.debugDescription)")
            }
            return "\(reading.policy.values.map(\.key)) \(reading.notes.count)"
        }
    }

    private static func read(_ input: [UInt8]) -> Result<PolicyReading, VolumeError> {
        Result { () throws(VolumeError) in try PolicyText.read(input) }
    }
}
