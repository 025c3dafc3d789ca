import ArgumentParser
import Glibc

/// The file or pipe that a backup goes to or comes from.
struct BackupFile {
    let descriptor: CInt
    private let path: String
    /// Where this process finds it.
    private let place: String
    /// Whether this made it.
    private let isNew: Bool

    /// A file that is not there yet, for its owner alone; a pipe or a device that is there; `-` for standard output.
    init(making path: String) throws {
        self.path = path
        place = try Caller.path(path)
        guard path != "-" else {
            guard isatty(STDOUT_FILENO) != 1 else {
                throw ValidationError("a backup is not for a terminal: name a file, or send it into a pipe")
            }
            (descriptor, isNew) = (STDOUT_FILENO, false)
            return
        }
        var found = stat()
        let exists = stat(place, &found) == 0
        if exists, found.st_mode & S_IFMT == S_IFREG {
            throw OperatorSession.Failed("The file \(path) exists. Name another one, or remove it.")
        }
        let flags = exists ? O_WRONLY | O_CLOEXEC : O_WRONLY | O_CLOEXEC | O_CREAT | O_EXCL
        descriptor = open(place, flags, 0o600)
        isNew = !exists
        guard descriptor >= 0 else { throw Self.failure("write", path) }
    }

    /// - Parameter path: `-` for standard input.
    init(reading path: String) throws {
        self.path = path
        place = try Caller.path(path)
        isNew = false
        guard path != "-" else {
            guard isatty(STDIN_FILENO) != 1 else {
                throw ValidationError(
                    "a backup does not come from a terminal: name a file, or send one into standard input")
            }
            descriptor = STDIN_FILENO
            return
        }
        descriptor = open(place, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("read", path) }
    }

    /// Whether it is a file, which can be gone through more than once.
    var canBeReadAgain: Bool {
        var found = stat()
        return fstat(descriptor, &found) == 0 && found.st_mode & S_IFMT == S_IFREG
            && lseek(descriptor, 0, SEEK_CUR) == 0
    }

    /// Goes back to its beginning.
    func rewind() throws {
        guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw Self.failure("read", path) }
    }

    /// All of it is on the disk when this returns.
    func keep() throws {
        if isNew, fsync(descriptor) != 0 { throw Self.failure("write", path) }
        if descriptor > STDERR_FILENO, close(descriptor) != 0 { throw Self.failure("write", path) }
    }

    /// A file that was made goes.
    func discard() {
        if isNew { unlink(place) }
        if descriptor > STDERR_FILENO { close(descriptor) }
    }

    private static func failure(_ verb: String, _ path: String) -> OperatorSession.Failed {
        OperatorSession.Failed("Cannot \(verb) \(path): \(String(cString: strerror(errno))).")
    }
}
