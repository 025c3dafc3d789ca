import CRbd
import FoundationEssentials
import VolumeCore

/// The port `SnapshotStore` on librbd. What the plugin notes of a snapshot stands in the metadata of its image.
public struct CephSnapshotStore: SnapshotStore {
    /// Longer than any rollback takes: what ends a call that gets no answer are the limits of each request within it.
    package static let copying = Duration.seconds(7 * 86_400)

    private let call: CephCalls

    public init(connection: CephConnection, clock: any DriverClock) {
        call = CephCalls(connection: connection, clock: clock)
    }

    public func snapshots(of image: ImageReference, id: String) async throws -> [VolumeSnapshot] {
        try await call("list the snapshots of image \(image)") { limit in
            try await call.images(image).withImage(.id(id), .readOnly, timeout: limit) { opened in
                try await list(opened, id)
            }
        }
    }

    public func take(
        _ name: SnapshotName, of image: ImageReference, id: String, mark: SnapshotMark, evenIfChanging: Bool
    ) async throws -> TakenSnapshot {
        let what = "take snapshot \(name) of image \(image)"
        return try await call(what) { limit in
            let images = call.images(image)
            return try await images.withImage(.id(id), .readWrite, timeout: limit) { opened in
                let note = SnapshotNote(image: id)
                if let found = try await find(name, in: opened, id) {
                    if found.mark?.token == mark.token { return TakenSnapshot(found, isNew: false) }
                    let begun = try await opened.metadata(note.attemptKey(of: name), timeout: call.limit)
                    guard found.mark == nil, begun == note.attempt(mark.token) else {
                        throw VolumeError.snapshotNameTaken(what)
                    }
                    return TakenSnapshot(try await finish(found, mark, in: images, note), isNew: false)
                }
                if !evenIfChanging, try await isChanging(opened, id) { throw VolumeError.isChanging(what) }
                try await images.changeMetadata(
                    ofImage: id, setting: [note.attemptKey(of: name): note.attempt(mark.token)], timeout: call.limit)
                do {
                    try await opened.createSnapshot(name.text, timeout: call.limit)
                } catch let error as CephError where error.isExists {
                    // Somebody else's, taken since the look.
                    try await images.changeMetadata(
                        ofImage: id, removing: [note.attemptKey(of: name)], timeout: call.limit)
                    throw VolumeError.snapshotNameTaken(what)
                }
                guard let found = try await find(name, in: opened, id) else {
                    throw VolumeError(.notFound, what, why: "somebody has removed it again")
                }
                if !evenIfChanging, try await isChanging(opened, id) {
                    // It may have begun before the snapshot was there.
                    try await opened.removeSnapshot(id: found.id, timeout: call.limit)
                    try await images.changeMetadata(
                        ofImage: id, removing: [note.attemptKey(of: name)], timeout: call.limit)
                    throw VolumeError.isChanging(what)
                }
                return TakenSnapshot(try await finish(found, mark, in: images, note), isNew: true)
            }
        }
    }

    private func isChanging(_ opened: RBDImage, _ id: String) async throws -> Bool {
        guard let line = try await opened.metadata(RollBackNote.key, timeout: call.limit) else { return false }
        return RollBackNote.snapshot(line, ofImage: id) != nil
    }

    /// From now on the snapshot is known for the plugin's own.
    private func finish(
        _ found: VolumeSnapshot, _ mark: SnapshotMark, in images: RBDImages, _ note: SnapshotNote
    ) async throws -> VolumeSnapshot {
        try await images.changeMetadata(
            ofImage: note.image, setting: [note.key(of: found.id): try note.text(mark)],
            removing: [note.attemptKey(of: found.name)], timeout: call.limit)
        var marked = found
        marked.mark = mark
        marked.attempt = nil
        return marked
    }

    public func mark(
        _ snapshot: UInt64, of image: ImageReference, id: String, _ mark: SnapshotMark
    ) async throws {
        let what = "note something of snapshot \(snapshot) of image \(image)"
        try await call(what) { limit in
            let images = call.images(image)
            try await images.withImage(.id(id), .readOnly, timeout: limit) { opened in
                guard try await opened.snapshots(timeout: limit).contains(where: { $0.id == snapshot }) else {
                    throw Self.absent(what)
                }
            }
            let note = SnapshotNote(image: id)
            try await images.changeMetadata(
                ofImage: id, setting: [note.key(of: snapshot): try note.text(mark)], timeout: call.limit)
        }
    }

    public func remove(_ snapshot: UInt64, of image: ImageReference, id: String) async throws {
        try await call("remove snapshot \(snapshot) of image \(image)") { limit in
            let images = call.images(image)
            let note = SnapshotNote(image: id)
            try await images.withImage(.id(id), .readWrite, timeout: limit) { opened in
                let line = try await opened.metadata(note.key(of: snapshot), timeout: call.limit)
                guard line.flatMap(note.mark)?.isHeld != true else { throw Self.held(snapshot, image) }
                do {
                    try await opened.removeSnapshot(id: snapshot, timeout: call.limit)
                } catch let error as CephError where error.isNotFound {
                    // It has been removed before.
                }
            }
            try await images.changeMetadata(ofImage: id, removing: [note.key(of: snapshot)], timeout: call.limit)
        }
    }

    public func rollBack(
        _ image: ImageReference, id: String, to snapshot: UInt64, progress: @escaping @Sendable (Int) -> Void
    ) async throws {
        let what = "roll image \(image) back to snapshot \(snapshot)"
        try await call(what) { limit in
            try await call.images(image).withImage(.id(id), .readWrite, timeout: limit) { opened in
                let found = try await opened.snapshots(timeout: call.limit).first { $0.id == snapshot && $0.isByUser }
                guard let found else { throw Self.absent(what) }
                let images = call.images(image)
                try await images.changeMetadata(
                    ofImage: id, setting: [RollBackNote.key: RollBackNote.text(snapshot, ofImage: id)],
                    timeout: call.limit)
                try await opened.rollBack(to: found.name, timeout: Self.copying) { done, total in
                    if total > 0 { progress(Int(done * 100 / total)) }
                }
                try await images.changeMetadata(ofImage: id, removing: [RollBackNote.key], timeout: call.limit)
            }
        }
    }

    /// Has the image say that it is being rolled back, before something else is written to it that is to be there as a whole or not
    /// at all.
    package func noteRollBack(of image: ImageReference, id: String, to snapshot: UInt64) async throws {
        try await call("note in image \(image) that it is being changed") { limit in
            try await call.images(image).changeMetadata(
                ofImage: id, setting: [RollBackNote.key: RollBackNote.text(snapshot, ofImage: id)], timeout: limit)
        }
    }

    public func acceptHalfRolledBack(_ image: ImageReference, id: String) async throws {
        try await call("take image \(image) as it is") { limit in
            try await call.images(image).changeMetadata(ofImage: id, removing: [RollBackNote.key], timeout: limit)
        }
    }

    public func client() async throws -> ClientAddress {
        let what = "find out which client of Ceph this is"
        let addresses = try await call(what) { try await call.connection.identity(timeout: $0).addresses }
        guard let address = addresses.first else {
            throw VolumeError(.unexplained, what, why: "librados shows no address of its own")
        }
        return address
    }

    private func find(_ name: SnapshotName, in opened: RBDImage, _ id: String) async throws -> VolumeSnapshot? {
        try await list(opened, id).first { $0.name == name.text }
    }

    private func list(_ opened: RBDImage, _ id: String) async throws -> [VolumeSnapshot] {
        let note = SnapshotNote(image: id)
        let metadata = try await opened.metadata(timeout: call.limit)
        return try await opened.snapshots(timeout: call.limit).filter(\.isByUser).map { found in
            VolumeSnapshot(
                id: found.id, name: found.name, size: VolumeSize(bytes: found.size),
                takenAt: WallTime(seconds: Int64(found.createdAt.timeIntervalSince1970)),
                mark: metadata[note.key(of: found.id)].flatMap(note.mark),
                attempt: metadata[note.attemptKey(of: found.name)].flatMap(note.token), isProtected: found.isProtected)
        }
    }

    private static func held(_ snapshot: UInt64, _ image: ImageReference) -> VolumeError {
        VolumeError(
            .conflict, "remove snapshot \(snapshot) of image \(image)", why: "it is held",
            remedy: "lift that with 'rbd-plugin snapshot unhold'", outcome: .refused)
    }

    private static func absent(_ what: String) -> VolumeError {
        VolumeError(.notFound, what, why: "there is no such snapshot", outcome: .refused)
    }
}

/// Lines of an image's metadata, as `rbd image-meta ls` shows them: what the plugin notes of the snapshots that it has taken. A
/// clone gets the metadata of its parent; the image's id in each line says that it is not about the clone's snapshots.
private struct SnapshotNote {
    let image: String

    private struct Line: Codable {
        let image: String
        let mark: SnapshotMark
    }

    func key(of snapshot: UInt64) -> String { "rbd-plugin.snapshot.\(snapshot)" }

    func text(_ mark: SnapshotMark) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(Line(image: image, mark: mark)), as: UTF8.self)
    }

    /// `nil` for a line about another image, or that no plugin has written.
    func mark(_ text: String) -> SnapshotMark? {
        guard let line = try? JSONDecoder().decode(Line.self, from: Data(text.utf8)), line.image == image else {
            return nil
        }
        return line.mark
    }

    /// Noted before the snapshot is taken: so a call that is repeated knows what the one before it has taken.
    func attemptKey(of name: some CustomStringConvertible) -> String { "rbd-plugin.taking.\(name)" }

    func attempt(_ token: String) -> String { "\(image) \(token)" }

    /// The token in such a line; `nil` for one about another image.
    func token(_ attempt: String) -> String? {
        attempt.hasPrefix("\(image) ") ? String(attempt.dropFirst(image.count + 1)) : nil
    }
}

/// A line of an image's metadata that stands there while the image is being rolled back: whatever becomes of the records, nobody
/// takes what is half rolled back for the volume.
enum RollBackNote {
    static let key = "rbd-plugin.rolling-back"

    static func text(_ snapshot: UInt64, ofImage id: String) -> String { "\(id) \(snapshot)" }

    /// - Returns: `nil` when it says nothing, or something of the image that this is a clone of.
    static func snapshot(in metadata: [String: String], ofImage id: String) -> UInt64? {
        metadata[key].flatMap { snapshot($0, ofImage: id) }
    }

    static func snapshot(_ text: String, ofImage id: String) -> UInt64? {
        let words = text.split(separator: " ")
        return words.count == 2 && words[0] == id ? UInt64(words[1]) : nil
    }
}
