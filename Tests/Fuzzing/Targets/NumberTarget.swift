import VolumeCore

@testable import PluginConfiguration

/// Sizes and lengths of time, as users and operators write them.
struct NumberTarget: FuzzTarget {
    let name = "numbers"
    let words = [
        "k", "M", "MiB", "Gb", "Gi", " GB", ".5", ".25T", "t", "P", "PiB", "ms", "s", "m", "h", "d", "y", "0s",
    ]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let given = text(input)
        let size = VolumeSize(parsing: given)
        if let size {
            try hold(size.bytes > 0 && size <= .maximum, "a size that nothing can have: \(size)")
            try hold(size.bytes % (1 << 20) == 0, "a size that is no whole number of MiB: \(size.bytes)")
            try hold(VolumeSize(parsing: "\(size)") == size, "\(size) reads as another size")
        }
        try hold((try? ValueReader.size(given)) == size, "options and sizes differ over \(given.debugDescription)")
        let duration = DurationText.parse(given)
        if let duration {
            try hold(
                DurationText.parse(DurationText.describe(duration)) == duration, "\(duration) reads as another time")
            _ = duration.inWords
        }
        return "\(size.map { $0.bytes.leadingZeroBitCount } ?? -1) \(duration.map { "\($0)".utf8.count } ?? -1)"
    }
}
