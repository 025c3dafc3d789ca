/// A file of variables as systemd's `EnvironmentFile=` reads it, so that an operator's command has the service's settings.
public enum EnvironmentFile {
    /// Each line is `NAME=VALUE`. Lines that begin with `#` or `;`, and lines without a name, say nothing. A backslash takes
    /// the next character as it is and joins lines; quotes may be around a value or a part of it.
    public static func variables(in text: String) -> [String: String] {
        var reading = Reading()
        for byte in text.utf8 { reading.take(byte) }
        reading.take(UInt8(ascii: "\n"))
        return reading.variables
    }

    /// The variables of a process, as `/proc/PID/environ` has them: one after the other, each with a zero behind it.
    public static func variables(inBlock text: String) -> [String: String] {
        var variables: [String: String] = [:]
        for entry in text.utf8.split(separator: 0) {
            guard let sign = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = entry[entry.index(after: sign)...]
            variables[String(decoding: entry[..<sign], as: UTF8.self)] = String(decoding: value, as: UTF8.self)
        }
        return variables
    }
}

extension Setting {
    /// Whether the variables say where etcd or Ceph is, or as whom to speak to them. Names such as `LOG_LEVEL`, which other
    /// programs have as well, do not count.
    public static func areGiven(in environment: [String: String]) -> Bool {
        environment.contains { name, value in
            !value.isEmpty && ["ETCD_", "RBD_", "CEPH_CONF"].contains(where: name.hasPrefix)
                && (Setting(rawValue: name) != nil || CephConfLine.place(ofSetting: name) != nil)
        }
    }
}

/// One byte after the other.
private struct Reading {
    private enum Place {
        case lineStart, comment, name, valueStart, value, singleQuotes, doubleQuotes
    }

    private(set) var variables: [String: String] = [:]
    private var place = Place.lineStart
    private var isEscaped = false
    private var name: [UInt8] = []
    private var value: [UInt8] = []
    /// How much of the value is there whatever blanks follow.
    private var kept = 0

    private static let newline = UInt8(ascii: "\n")

    mutating func take(_ byte: UInt8) {
        if isEscaped { return takeEscaped(byte) }
        switch place {
        case .lineStart: begin(byte)
        case .comment: if byte == Self.newline { place = .lineStart }
        case .name: takeName(byte)
        case .valueStart, .value: takeValue(byte)
        case .singleQuotes: if byte == UInt8(ascii: "'") { place = .valueStart } else { keep(byte) }
        case .doubleQuotes:
            if byte == UInt8(ascii: "\"") {
                place = .valueStart
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                keep(byte)
            }
        }
    }

    private mutating func begin(_ byte: UInt8) {
        (name, value, kept) = ([], [], 0)
        switch byte {
        case UInt8(ascii: "#"), UInt8(ascii: ";"): place = .comment
        case Self.newline, UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
        default:
            place = .name
            takeName(byte)
        }
    }

    private mutating func takeName(_ byte: UInt8) {
        switch byte {
        case Self.newline: place = .lineStart
        case UInt8(ascii: "="): place = .valueStart
        default: name.append(byte)
        }
    }

    private mutating func takeValue(_ byte: UInt8) {
        switch byte {
        case Self.newline: end()
        case UInt8(ascii: "\\"): (isEscaped, place) = (true, .value)
        case UInt8(ascii: "'") where place == .valueStart: place = .singleQuotes
        case UInt8(ascii: "\"") where place == .valueStart: place = .doubleQuotes
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): if place == .value { value.append(byte) }
        default:
            place = .value
            keep(byte)
        }
    }

    private mutating func takeEscaped(_ byte: UInt8) {
        isEscaped = false
        guard byte != Self.newline else { return }
        if place == .doubleQuotes, !"\"\\`$".utf8.contains(byte) { keep(UInt8(ascii: "\\")) }
        keep(byte)
    }

    private mutating func keep(_ byte: UInt8) {
        value.append(byte)
        kept = value.count
    }

    private mutating func end() {
        while let last = name.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") { name.removeLast() }
        variables[String(decoding: name, as: UTF8.self)] = String(decoding: value[..<kept], as: UTF8.self)
        place = .lineStart
    }
}
