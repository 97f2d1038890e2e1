/** A measured run of ik_llama.cpp through ik-llama-cpp-python, on mapped files, as a program. */
import { pythonProgram } from './loading-python';

/** What generates with the package takes its tokens by themselves, in Python; here they are given, as to all others. */
export const IK_LLAMA_PROGRAM = pythonProgram(`
def run():
    from ik_llama_cpp import IkLlama
    from ik_llama_cpp._internals import make_batch_range
    began = wait_for_cap()
    length = options['promptTokens'] + options['warmUpTokens'] + options['tokens'] + 1
    llama = IkLlama(options['model'], n_ctx=length, n_threads=options['threads'], verbose=False)
    context = llama._context

    def forward(ids, position):
        failure = context.decode(make_batch_range(ids, pos_start=position))
        if failure != 0:
            raise RuntimeError(f'llama_decode returned {failure}')
        context.get_logits(-1)

    return measure(began, forward)
`);
