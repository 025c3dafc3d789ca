import Glibc
import VolumeCore
import VolumeLoad

/// `rbd-plugin top` for people.
enum TopText {
    private static let headings = [
        "VOLUME", "POOL", "READS", "WRITES", "READ", "WRITTEN", "R-MS", "W-MS", "QUEUE", "SIZE", "FULL", "INODES",
        "LIMITS",
    ]

    /// - Parameter lines: how many there is room for; `nil` for all.
    static func text(_ load: NodeLoad, lines: Int? = nil) -> String {
        guard !load.volumes.isEmpty || load.leftOut > 0 else { return "No volume is mounted on this node." }
        let shown = load.volumes.prefix(lines.map { max($0 - 2, 1) } ?? Int.max)
        var table = Table(headings)
        for volume in shown { table.add(cells(volume)) }
        let left = load.volumes.count - shown.count + load.leftOut
        let volumes = left == 1 ? "1 more volume" : "\(left) more volumes"
        return table.text + (left > 0 ? "\n\(volumes) not shown" : "")
    }

    private static func cells(_ load: VolumeLoad) -> [String] {
        let rates = load.rates
        return [
            ShownText.shown(load.volume), ShownText.shown(load.pool), rates.map { number($0.reads) } ?? "",
            rates.map { number($0.writes) } ?? "", rates.map { amount($0.readBytes) } ?? "",
            rates.map { amount($0.writtenBytes) } ?? "", rates?.readMilliseconds.map(number) ?? "",
            rates?.writeMilliseconds.map(number) ?? "", load.inFlight.map { "\($0)" } ?? "",
            load.size.map { amount(Double($0)) } ?? "", load.full.map { "\(Int($0.rounded(.up)))%" } ?? "",
            load.inodesFull.map { "\(Int($0.rounded(.up)))%" } ?? "", limits(load.limits),
        ]
    }

    private static func limits(_ limits: [String: UInt64]) -> String {
        limits.sorted { $0.key < $1.key }.map { name, value in
            "\(ShownText.shown(name))=\(name.hasSuffix("bps") ? amount(Double(value)) : "\(value)")"
        }.joined(separator: ",")
    }

    /// `0`, `0.4`, `7.3`, `120`.
    private static func number(_ value: Double) -> String {
        if value == 0 || value >= 10 { return "\(UInt64(min(value.rounded(), 0x1p62)))" }
        let tenths = UInt64((value * 10).rounded(.up))
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// Bytes with a unit: `0`, `820`, `4K`, `12.5M`.
    private static func amount(_ bytes: Double) -> String {
        var (value, units) = (bytes, ["", "K", "M", "G", "T", "P"][...])
        while value >= 1023.5, units.count > 1 {
            value /= 1024
            units = units.dropFirst()
        }
        let unit = units.first ?? ""
        if value >= 100 || unit.isEmpty || value == value.rounded() {
            return "\(UInt64(min(value.rounded(), 0x1p62)))\(unit)"
        }
        let tenths = UInt64((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)\(unit)" : "\(tenths / 10).\(tenths % 10)\(unit)"
    }
}
