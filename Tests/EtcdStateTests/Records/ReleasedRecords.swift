import FoundationEssentials
import Rig
import Testing

@testable import EtcdState
@testable import VolumeCore

/// A record as a released version wrote it to etcd, byte for byte. `rig/released-records` makes the files.
struct ReleasedRecord: Sendable, CustomTestStringConvertible {
    /// The commit that was released.
    let version: String
    /// Below the plugin's prefix: `volumes/ready`.
    let key: String

    var testDescription: String { "\(version): \(key)" }

    /// What the volume was made for: `ready`.
    var scene: String { key.split(separator: "/").last.map(String.init) ?? "" }

    func bytes() throws -> [UInt8] {
        let path = "\(Self.folder)/\(version)/\(key).json"
        guard let content = FileManager.default.contents(atPath: path) else { throw RigFailure("cannot read \(path)") }
        return Array(content)
    }

    /// All of all versions.
    static let all: [ReleasedRecord] = names(in: folder).flatMap { version in
        files(in: "\(folder)/\(version)").map { ReleasedRecord(version: version, key: $0) }
    }

    /// The commit that the file `packaging/released` names.
    static func newestVersion() throws -> String {
        let path = "\(root)/packaging/released"
        guard let content = FileManager.default.contents(atPath: path) else { throw RigFailure("cannot read \(path)") }
        return String(decoding: content.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private static let root = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    private static let folder = root + "/Tests/ReleasedRecords"

    private static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// The keys that have a file.
    private static func files(in folder: String) -> [String] {
        names(in: folder).flatMap { name in
            guard !name.hasSuffix(".json") else { return [String(name.dropLast(".json".count))] }
            return files(in: "\(folder)/\(name)").map { "\(name)/\($0)" }
        }
    }
}

extension JSONValue {
    /// The fields that the other one has and that this one lacks, or says otherwise.
    func fieldsMissing(of other: JSONValue, at path: String = "") -> [String] {
        guard case .object(let fields) = other, case .object = self else { return self == other ? [] : [path] }
        return fields.keys.sorted().flatMap { name -> [String] in
            guard let value = fields[name] else { return [] }
            let place = path.isEmpty ? name : "\(path).\(name)"
            return self[name].map { $0.fieldsMissing(of: value, at: place) } ?? [place]
        }
    }
}
