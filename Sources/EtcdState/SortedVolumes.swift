import VolumeCore

/// Volumes in order of their names. Each stands in a box of its own: a record is large, and with very many of them moving
/// records about would cost more than reading them.
struct SortedVolumes: Sendable {
    private final class Box: Sendable {
        let stored: StoredVolume
        init(_ stored: StoredVolume) { self.stored = stored }
    }

    private var boxes: [Box] = []
    private var unsettledNames: Set<VolumeName> = []

    init() {}

    /// - Parameter volumes: one of each name, in any order.
    init(_ volumes: some Sequence<StoredVolume>) {
        boxes = volumes.map(Box.init).sorted { $0.stored.name < $1.stored.name }
        unsettledNames = Set(boxes.lazy.map(\.stored).filter { !$0.isSettled }.map(\.name))
    }

    subscript(name: VolumeName) -> StoredVolume? {
        get {
            let place = place(of: name)
            return isThere(name, at: place) ? boxes[place].stored : nil
        }
        set {
            let place = place(of: name)
            let isThere = isThere(name, at: place)
            switch newValue {
            case let stored? where isThere: boxes[place] = Box(stored)
            case let stored?: boxes.insert(Box(stored), at: place)
            case nil where isThere: boxes.remove(at: place)
            case nil: break
            }
            if newValue?.isSettled ?? true { unsettledNames.remove(name) } else { unsettledNames.insert(name) }
        }
    }

    func compactMap<Kept>(_ transform: (StoredVolume) -> Kept?) -> [Kept] {
        boxes.compactMap { transform($0.stored) }
    }

    var count: Int { boxes.count }

    /// Those that are not at rest.
    var unsettled: [StoredVolume] { unsettledNames.sorted().compactMap { self[$0] } }

    /// Where the name is, or would have to be.
    private func place(of name: VolumeName) -> Int {
        var (low, high) = (0, boxes.count)
        while low < high {
            let middle = (low + high) / 2
            if boxes[middle].stored.name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func isThere(_ name: VolumeName, at place: Int) -> Bool {
        place < boxes.count && boxes[place].stored.name == name
    }
}
