/** A measured run of Python's accelerate with weights on disk, as a program. */
import { pythonProgram } from './loading-python';

/** What the libraries themselves hold is taken from the cap; the rest they may fill with weights. */
export const ACCELERATE_PROGRAM = pythonProgram(`
def run():
    import tempfile
    os.environ['HF_HUB_OFFLINE'] = '1'
    import torch
    from transformers import AutoModelForCausalLM
    torch.set_num_threads(options['threads'])
    began = wait_for_cap()
    room = {'cpu': max(1, options['capBytes'] - status('RssAnon'))}
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        model = AutoModelForCausalLM.from_pretrained(
            options['model'], dtype=torch.float16, device_map='auto', max_memory=room, offload_folder=folder)
        cache = None

        def forward(ids, position):
            nonlocal cache
            cache = model(torch.tensor([ids]), past_key_values=cache, use_cache=True).past_key_values

        return measure(began, forward)
`);
