import Glibc
import SystemPackage

/// Calls of the C library that report failure as -1 and `errno`.
enum SystemCall {
    /// Makes the call, again when a signal interrupted it.
    /// - Throws: `Errno`.
    @discardableResult
    static func check(_ call: () -> CInt) throws -> CInt {
        while true {
            let result = call()
            if result >= 0 { return result }
            let error = Errno(rawValue: errno)
            if error != .interrupted { throw error }
        }
    }

    /// The file names in a folder, sorted; empty when there is no such folder.
    /// - Throws: `Errno`.
    static func names(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else {
            let error = Errno(rawValue: errno)
            if error == .noSuchFileOrDirectory { return [] }
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The folders in a folder, sorted; empty when there is no such folder.
    /// - Throws: `Errno`.
    static func folders(in folder: String) throws -> [String] {
        try names(in: folder).filter { name in
            var status = stat()
            return lstat("\(folder)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Where a symbolic link points to; `nil` for anything else.
    static func target(ofLink path: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let count = readlink(path, base, buffer.count)
            guard count >= 0 else { return nil }
            return String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self)
        }
    }

    /// Makes the folder and the missing ones above it, for the owner alone.
    /// - Throws: `Errno`.
    static func makeFolders(_ path: String) throws {
        let parts = path.split(separator: "/")
        for count in 1...max(1, parts.count) {
            let folder = "/" + parts.prefix(count).joined(separator: "/")
            do {
                try check { mkdir(folder, 0o700) }
            } catch Errno.fileExists {
                continue
            }
        }
    }
}
