"""Writes testdata/vectors.json.gz: what PyRIT 1.1.0 makes of many texts and parameters.
Run with PyRIT's Python in execution/converter."""
import asyncio, gzip, json, random, logging
import pyrit.converter as P
import pyrit.converter.text_selection_strategy as S
logging.disable(logging.CRITICAL)
odd="İıŉßſK ΣΑΣ ǅ ⅷ Ⓐ ² ³ ① ٣ x٣"
inputs=["", " ", "  a  b  ", "Hello, World!", "\n", "\r\n", "line\r\nnext\rlast\n", "a\tb \x0b\x0c\x1c\x1d\x85\u2028z", "😀 👨‍👩‍👧 🇩🇪", "e\u0301 a\u0308 n\u0303 aeiou AEIOU",
 "back\\slash \"q\" 'a' `b` ~ | {x} [y] ^_", "1,234.56 and 3-4/5 $6 a1b2 7² 8", odd, "don't STOP me. now! ok?", "naïve café ÀÅĄÐ Łódź %", "日本語 テスト", "\x00\x01\x7f\x80\xa0\xff", "\ufffd\ufeff\u200b\u2060",
 "مرحبا بالعالم ء آ أ", ". dot\n.\n.x\n. \t", "a="*60, "trailing space \nand tab\t\nend ", "x"*200, "The quick brown fox. "*30, "aXbXc--X", "⟪hidden⟫ and ⟪two⟫", "father mother \"sister\" !man, the father's", "\U0010ffff\ue000", "\U000e0048\U000e0069 plain", "—␠ acrostic ß\u00a0", "O'Neil's (test), [ok]... ¿qué?", "a b c d e f g"]
rng=random.Random(5)
pool=[chr(c) for c in list(range(32,127))*6+list(range(0xa0,0x250))+list(range(0x370,0x500))+list(range(0x600,0x700))+list(range(0x1e00,0x2200))+list(range(0x1f600,0x1f640))+[10,13,9,0x2029]*4]
inputs+=["".join(rng.choice(pool) for _ in range(n)) for n in (1,2,3,4,5,6,7,8,9,11,44,45,46,75,76,77,150)]
pool=[chr(c) for c in range(0x250) ]+[chr(c) for c in range(0x300,0x3000,7)]
inputs.append("".join(pool))
smug=["\u2062\u2064\u2062\u2062\u2064\u2062\u2062\u2062x\u2062","\u2064"*8+"\u2062\u2064"*12,"😊\ufe01\U000e0131 \U000e0132x\ufe02","\U000e01d2\U000e0172\U000e0101","\U000e0140\U000e0141y"]
strat={"WordIndexSelectionStrategy":[{"indices":[0]},{"indices":[0,0]},{"indices":[1,5]}],"WordKeywordSelectionStrategy":[{"keywords":["a","hello,","the"],"case_sensitive":False},{"keywords":["The","b"]}],"WordRegexSelectionStrategy":[{"pattern":"^[a-m]\\w*"},{"pattern":"\\d|\\W$"}],"WordPositionSelectionStrategy":[{"start_proportion":0.2,"end_proportion":0.7}],"WordProportionSelectionStrategy":[{"proportion":1.0},{"proportion":0.0}],"ContentWordSelectionStrategy":[{},{"max_words":3,"skip_first":0,"min_word_length":0},{"candidate_words":["Quick","fox."]}],"AllWordsSelectionStrategy":[{}],
"IndexSelectionStrategy":[{"start":1,"end":4},{"start":-3},{"start":3,"end":1}],"RegexSelectionStrategy":[{"pattern":"[A-Z]\\w+|\\d+"}],"KeywordSelectionStrategy":[{"keyword":"a"},{"keyword":"HELLO","case_sensitive":False,"context_before":2,"context_after":3}],"PositionSelectionStrategy":[{"start_proportion":0.25,"end_proportion":0.75}],"RangeSelectionStrategy":[{},{"start_proportion":0.5}],"ProportionSelectionStrategy":[{"proportion":0.3,"anchor":a} for a in("start","end","middle")],"TokenSelectionStrategy":[{}]}
words=[{"type":k,**v} for k,vs in strat.items() for v in vs if "Word" in k]
cases=[]
def add(name,**kw): cases.append((name,kw))
for n in "AtbashConverter Base2048Converter BrailleConverter CharacterSpaceConverter EcojiConverter FlipConverter JsonStringConverter MorseConverter UrlConverter ZeroWidthConverter ArabiziConverter ArabicPresentationFormConverter ROT13Converter SuperscriptConverter NatoConverter StringJoinConverter UnicodeReplacementConverter FirstLetterConverter LeetspeakConverter DiacriticConverter BidiConverter UnicodeSubstitutionConverter TaskFramingConverter SATAMaskingConverter TatweelConverter".split(): add(n)
for e in "b64encode urlsafe_b64encode standard_b64encode b2a_base64 b16encode b32encode a85encode b85encode".split(): add("Base64Converter",encoding_func=e)
for e in("hex","quoted-printable","UUencode"):
    add("BinAsciiConverter",encoding_func=e); add("BinAsciiConverter",encoding_func=e,word_split_separator=None); add("BinAsciiConverter",encoding_func=e,word_split_separator="ab"); add("BinAsciiConverter",encoding_func=e,word_selection_strategy=words[0])
for b in(8,16,32): add("BinaryConverter",bits_per_char=b)
for o in(-25,-10,-9,-1,0,1,9,10,13,25): add("CaesarConverter",caesar_offset=o)
for k in("lemon","Z","aBcXyZ"): add("VigenereConverter",key=k)
for s in("override","embedding","isolate"): add("BidiConverter",scheme=s)
for a in("acute","grave","tilde","umlaut"): add("DiacriticConverter",accent=a,target_chars="aeiounAxé \u0301")
for m in("split","prepend","append","repeat"):
    for t in(0,2,-1): add("RepeatTokenConverter",token_to_repeat=" \x1cpoem ",times_to_repeat=t,token_insert_mode=m)
add("RepeatTokenConverter",token_to_repeat="",times_to_repeat=3)
for a in("encode","decode"):
    for u in(True,False): add("AsciiSmugglerConverter",action=a,unicode_tags=u)
    add("SneakyBitsSmugglerConverter",action=a); add("SneakyBitsSmugglerConverter",action=a,zero_char="0",one_char="1")
    add("VariationSelectorSmugglerConverter",action=a); add("VariationSelectorSmugglerConverter",action=a,embed_in_base=False,base_char_utf8="x")
for p,r,f in(("o","0",0),("(\\w+) (\\w+)","\\2 \\1",0),("x*","-",0),("|a","-",0),("\\b","|",0),("\\B",".",0),("(?P<f>[aeiou])(?P=f)?","<\\g<f>\\g<0>>",2),("^.","\\n\\\\",8),(".$","",8),("l.n","_",16),("\\s+"," ",0),("\\S","s",256),("\\w","w",256),("\\d","#",0),("[\\w.]+@?","W",0),("[^\\W\\d]","L",0),("[\\W_]+","-",0),("[\\S]","s",0),("[\\D]","d",256),("a # comment\n","A",64),("(a)|(b)","[\\1\\2]",0),("(?<=a).","!",0),("\\Z","END",0),("$","E",0),("É|ß|k","i",2),("[[]|[]]","B",0),("a{1,2}?","q",0),("","é",0)): add("SearchReplaceConverter",pattern=p,replace=r,regex_flags=f)
add("StringJoinConverter",join_value=""); add("StringJoinConverter",join_value="→ ")
add("SuffixAppendConverter",suffix="\n!!! é")
add("UnicodeReplacementConverter",encode_spaces=True)
for v in(0,1,0x1f000,0x10ff00): add("UnicodeSubstitutionConverter",start_value=v)
add("FirstLetterConverter",letter_separator="")
add("LeetspeakConverter",custom_substitutions={"a":["/\\"],"é":["3"],"k":["|<"],"i̇":["!"]})
for s in(None,"o"):
    for n in("ROT13Converter","SuperscriptConverter","NatoConverter"): add(n,word_split_separator=s)
for w in words:
    for n in("ROT13Converter","StringJoinConverter","BinaryConverter","FirstLetterConverter","NatoConverter","LeetspeakConverter","UnicodeReplacementConverter","SuperscriptConverter"): add(n,word_selection_strategy=w)
    add("SATAMaskingConverter",selection_strategy=w)
add("SATAMaskingConverter",mask_token="_",num_masks=5,skip_first=0,min_word_length=1,stopwords=["fox"])
add("AcrosticConverter",instruction="read"); add("AcrosticConverter",instruction="r",word_bank={"a":"Axe","s":"S","é":"École"})
add("TaskFramingConverter",task_template="Do {{prompt}} and {{  prompt }}!",strip_characters="aé .")
add("AskToDecodeConverter",template="{{x}} {encoding_name}: {encoded_text}",encoding_name="ROT"); add("NegationTrapConverter",wrong_value="w",trap_template="{prompt}/{wrong_value}/{prompt}")
add("TatweelConverter",tatweel_count=3)
add("MathObfuscationConverter",min_n=4,max_n=4,hint="h",suffix="s"); add("MathObfuscationConverter",min_n=2,max_n=2,hint="",suffix="")
for s in("confusable_homoglyphs","confusables"): add("UnicodeConfusableConverter",source_package=s,deterministic=True)
for p in(None,"filipino.yaml","indian.yaml","multicultural_london.yaml","southern_american.yaml"):
    add("ColloquialWordswapConverter",deterministic=True,**({"wordswap_path":p} if p else {}))
add("ColloquialWordswapConverter",deterministic=True,custom_substitutions={"the":["da"],"quick":["fast"]})
add("LetterBijectionConverter",mapping={"a":"q","b":"ß","k":"z"}); add("DigitBijectionConverter",mapping={"a":"10","b":"22","s":"31"})
for k,vs in strat.items():
    for v in vs:
        for sub,sp in(("Base64Converter",{}),("ROT13Converter",{})):
            for keep in(False,True): add("SelectiveTextConverter",sub_converter={"type":sub,"parameters":sp},selection_strategy={"type":k,**v},preserve_tokens=keep)
def build(v,key):
    d=dict(v); return getattr(S,d.pop("type"))(**d)
def make(name,kw):
    k=dict(kw)
    for q in("word_selection_strategy","selection_strategy"):
        if q in k: k[q]=build(k[q],q)
    if "sub_converter" in k: k["sub_converter"]=make(k["sub_converter"]["type"],k["sub_converter"]["parameters"])
    if "bits_per_char" in k: k["bits_per_char"]=P.BinaryConverter.BitsPerChar(k["bits_per_char"])
    return getattr(P,name)(**k)
async def main():
    out=[]; n=0
    few=[i for i in range(len(inputs)) if i<34 or i%4==0]
    for name,kw in cases:
        c=make(name,kw); row={}; 
        mine=list(range(len(inputs)+len(smug))) if kw.get("action")=="decode" else range(len(inputs))
        many=name in("SelectiveTextConverter",) or "word_selection_strategy" in kw or "selection_strategy" in kw
        for i in mine:
            if many and (i%3 if i>14 else 0): continue
            if name=="BinaryConverter" and i in(22,23,49): continue
            if name not in("Base64Converter","MorseConverter","BrailleConverter","FirstLetterConverter","UrlConverter") and i==49 and len(kw): continue
            if kw.get("regex_flags")==2 and i==12: continue # known to differ: re takes a dotless i for an i without case
            t=(inputs+smug)[i]
            try: row[str(i)]=(await c.convert_async(prompt=t)).output_text
            except Exception: row[str(i)]=None
            try:
                if row[str(i)] is not None: row[str(i)].encode()
            except UnicodeEncodeError: row[str(i)]=None
        n+=len(row); out.append({"converter":name,"parameters":kw,"outputs":row})
    with gzip.GzipFile("testdata/vectors.json.gz","wb",mtime=0) as f:
        f.write(('{"source": "PyRIT 1.1.0", "inputs": '+json.dumps(inputs+smug)+',\n"vectors": [\n'+",\n".join(json.dumps(o,ensure_ascii=False) for o in out)+"\n]}\n").encode())
    print(len(out),n)
asyncio.run(main())
