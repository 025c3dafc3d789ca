/// This node's copy of all volumes, kept up to date by watching etcd. Answers from memory.
///
/// Names of which a record cannot be read are not in it: only the store can say what is wrong with them.
public protocol VolumeCatalog: Sendable {
    func find(_ name: VolumeName) -> StoredVolume?
    /// What `transform` makes of every volume, in order of the names, without those that it gives `nil` for. There can be
    /// very many volumes: take no more of each than is needed.
    func compactMap<Kept>(_ transform: (StoredVolume) -> Kept?) -> [Kept]
    /// How many names the copy has.
    var count: Int { get }
    /// The volumes that are not at rest, in order of the names: of very many the few that background work is about.
    func unsettled() -> [StoredVolume]
    /// The names of which somebody has claimed a removed volume in the trash, whether or not there is a volume of that name.
    func claimed() -> [StoredVolume]
    /// Whether the copy has ever been complete. Before that, an absent name says nothing.
    var isLoaded: Bool { get }
    /// Returns when the first reading of the copy has come to an end, be it that etcd does not answer.
    func firstReading() async
    /// Takes in what this node has just read or written, so that it sees its own writes before the watch tells.
    /// Something older than what the copy has is ignored.
    func observe(_ stored: StoredVolume)
}

extension StoredVolume {
    /// Whether nobody has the volume or a removed one of its name, nobody has asked for work on it, and its creation has left nothing to be done.
    public var isSettled: Bool {
        guard attachment == nil, readers == nil, request == nil, trash == nil, let record = volume?.record else {
            return false
        }
        return record.phase != .creating && record.abandoned.isEmpty
    }
}
