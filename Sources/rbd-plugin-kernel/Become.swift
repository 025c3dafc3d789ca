import CPrivileges
import Glibc
import KernelRequest

extension Confinement {
    /// Becomes a program, with its name as it was called and its arguments, which sees and may do no more than this says.
    func become(_ program: [String]) throws -> Never {
        // A help, and no condition: without it the program runs as it always would.
        if isApart { try? Apart.hideLoopMounts(besides: program) }
        if let capabilities {
            try Failure.check("set no_new_privs") { cprivileges_win_none() }
            try Failure.check("give up capabilities") { cprivileges_keep(capabilities) }
        }
        var words = program.map { strdup($0) }
        words.append(nil)
        execv(program[0], words)
        throw Failure(what: "run \(program[0])", code: errno)
    }
}
